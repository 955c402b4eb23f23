using AsArm.Assd.Constraints;
using AsArm.Assd.Distributions;
using AsArm.Assd.Models;
using AsArm.Inference.Patterns;
using AsArm.Inference.Tokenization;

namespace AsArm.Inference.Constraints;

/// <summary>The constraint that the gaps of a sequence put on it, which is decoded from left to right: patterns, numbers of characters, same fillings. Thread-safe.</summary>
/// <param name="gaps">The gaps with a constraint, from left to right.</param>
/// <param name="tokens">The texts of the tokens.</param>
internal sealed class GapsConstraint(IReadOnlyList<ConstrainedGap> gaps, TokenTexts tokens) : ISequenceConstraint
{
    private const int MaxTexts = 1_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<(string Text, int Length), TokenAutomaton> _texts = [];

    /// <inheritdoc />
    public TokenMask? AllowedTokens(SequenceState state, int rank)
    {
        int position = state.Order.Positions[rank];
        foreach (ConstrainedGap gap in gaps)
        {
            if (position >= gap.Start && position < gap.Start + gap.Length)
                return Allowed(gap, state.Tokens, position);
        }

        return null;
    }

    private TokenMask? Allowed(ConstrainedGap gap, ReadOnlySpan<int> sequence, int position)
    {
        if (FillingsOf(gap, sequence) is not TokenAutomaton fillings)
            return null;
        int state = fillings.StartOf(IsSpaceShown(gap, sequence));
        foreach (int token in sequence[gap.Start..position])
            state = fillings.Next(state, token);
        return fillings.Allowed(state, gap.Start + gap.Length - position);
    }

    private bool IsSpaceShown(ConstrainedGap gap, ReadOnlySpan<int> sequence) => gap.IsSpaceShown ?? tokens.IsWhiteSpace(sequence[gap.Start - 1]);

    private TokenAutomaton? FillingsOf(ConstrainedGap gap, ReadOnlySpan<int> sequence)
    {
        if (gap.Same is not ConstrainedGap same)
            return gap.SameText is string given ? Only(given, gap.Length) : gap.Fillings;
        string? text = tokens.TextOf(sequence.Slice(same.Start, same.Length), IsSpaceShown(same, sequence));
        return text is null ? gap.Fillings : Only(text, gap.Length); // null only after draft tokens that are no text
    }

    private TokenAutomaton Only(string text, int length)
    {
        lock (_gate)
        {
            if (_texts.TryGetValue((text, length), out TokenAutomaton? fillings))
                return fillings;
            if (_texts.Count == MaxTexts)
                _texts.Clear();
            return _texts[(text, length)] = new TokenAutomaton(new LiteralText(text), tokens, length);
        }
    }
}
