using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Inference.Text;

namespace AsArm.Inference.Gaps;

/// <summary>The tokens on both sides of a gap of unknown length, and what the gap cannot hold.</summary>
/// <param name="Before">P: the tokens before the gap, at least one.</param>
/// <param name="After">S: the known tokens right after the gap, as many as are looked at.</param>
/// <param name="Banned">Tokens that no gap holds.</param>
/// <param name="BannedFirst">Tokens with which the gap cannot begin, given the character before it; null if there are none.</param>
/// <param name="MaskId">The token of unknown positions.</param>
/// <param name="VocabularySize">V.</param>
internal sealed record GapSurroundings(int[] Before, int[] After, IReadOnlyCollection<int> Banned, TokenSet? BannedFirst, int MaskId, int VocabularySize)
{
    /// <summary>Those of a gap in an encoded text.</summary>
    /// <param name="text">The text; all before the gap is given.</param>
    /// <param name="gap">The index of the gap.</param>
    /// <param name="suffix">The maximum number of tokens of S.</param>
    /// <param name="banned">Tokens that no gap holds.</param>
    /// <param name="maskId">The token of unknown positions.</param>
    /// <param name="vocabularySize">V.</param>
    public static GapSurroundings Of(InfillText text, int gap, int suffix, IReadOnlyCollection<int> banned, int maskId, int vocabularySize)
    {
        (int start, int end) = (text.TargetPositions[gap].Start.Value, text.TargetPositions[gap].End.Value);
        int known = text.Given.AsSpan(end).IndexOf(false) is int run and >= 0 ? run : text.Given.Length - end;
        int[] tokens = text.Tokens;
        return new(tokens[..start], tokens[end..(end + Math.Min(known, suffix))], banned, text.BannedAt.GetValueOrDefault(start), maskId, vocabularySize);
    }

    /// <summary>The distribution of fillings: that of the model, without the tokens that the gap cannot hold.</summary>
    public SamplingOptions Filling { get; } = new()
    {
        BannedTokens = Banned,
        BannedTokensAt = BannedFirst is null ? new Dictionary<int, TokenSet>() : new Dictionary<int, TokenSet> { [Before.Length] = BannedFirst },
    };

    /// <summary>The tokens with a gap of some tokens.</summary>
    public int[] With(IEnumerable<int> gap) => [.. Before, .. gap, .. After];

    /// <summary>The order in which the gap is unknown and everything else is given.</summary>
    public Order GapUnknown(int length) => Unknown(length, Before.Length + length);

    /// <summary>The order in which the gap and what follows it are unknown: the gap first, from left to right.</summary>
    public Order AllUnknown(int length) => Unknown(length, Before.Length + length + After.Length);

    private Order Unknown(int length, int end)
    {
        var given = new bool[Before.Length + length + After.Length];
        given.AsSpan().Fill(true);
        given.AsSpan(Before.Length..end).Clear();
        return Order.LeftToRight(given);
    }
}
