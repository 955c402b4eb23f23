using AsArm.Assd.Distributions;
using AsArm.Inference.Constraints;
using AsArm.Inference.Gaps;
using AsArm.Inference.Patterns;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>What is known of a gap of a text.</summary>
/// <param name="Specification">As it was written.</param>
/// <param name="Segment">The index of its segment.</param>
/// <param name="Fillings">The fillings that it may have; null for all of its length.</param>
/// <param name="Lengths">The numbers of tokens that it may have, ascending.</param>
internal sealed record KnownGap(GapSpecification Specification, int Segment, TokenAutomaton? Fillings, IReadOnlyList<long> Lengths)
{
    private const int CharactersPerToken = 4;

    /// <summary>The choices; empty without a list of them.</summary>
    public IReadOnlyList<EncodedChoice> Choices { get; init; } = [];

    /// <summary>The smallest number of tokens.</summary>
    public long ShortestLength => Lengths[0];

    /// <summary>Finds out about a gap.</summary>
    /// <param name="gap">As it was written.</param>
    /// <param name="segment">The index of its segment.</param>
    /// <param name="all">The fillings of gaps.</param>
    /// <param name="isSpaceShown">See <see cref="ConstrainedGap.IsSpaceShown" />.</param>
    /// <param name="banned">Tokens with which it cannot begin; null if there are none.</param>
    /// <exception cref="InfillTextException">It cannot be filled, or may have too many lengths.</exception>
    public static KnownGap Of(GapSpecification gap, int segment, GapFillings all, bool? isSpaceShown, TokenSet? banned)
    {
        if (gap.MinTokens < gap.MaxTokens && gap.MaxTokens - gap.MinTokens >= LengthOptions.MaxLengths)
            throw new InfillTextException($"The gap {gap} may have {gap.MaxTokens - gap.MinTokens + 1} lengths; at most {LengthOptions.MaxLengths} are compared.");
        if (all.Of(gap) is not TokenAutomaton fillings)
            return new KnownGap(gap, segment, null, LengthsOf(gap));
        int minimum = (int)Math.Min(int.MaxValue, gap.MinTokens ?? 1), maximum = all.LargestLength(gap);
        var lengths = new List<long>();
        for (int length = minimum; length <= maximum; length++)
        {
            if ((isSpaceShown != true && fillings.CanBegin(fillings.StartOf(isSpaceShown: false), length, banned))
                || (isSpaceShown != false && fillings.CanBegin(fillings.StartOf(isSpaceShown: true), length, banned)))
                lengths.Add(length);
        }

        if (lengths.Count == 0)
            throw new InfillTextException($"The gap {GapSupport.Shown(gap)} cannot be filled: no text of {minimum} to {Math.Max(minimum, maximum)} tokens of the model meets it here.");
        return new KnownGap(gap, segment, fillings, gap.MinTokens is null ? Likely(lengths, gap) : lengths);
    }

    /// <summary>A gap with choices.</summary>
    /// <param name="gap">As it was written.</param>
    /// <param name="segment">The index of its segment.</param>
    /// <param name="choices">Those that it may have, at least one.</param>
    public static KnownGap Of(GapSpecification gap, int segment, IReadOnlyList<EncodedChoice> choices) =>
        new(gap, segment, null, [.. choices.Select(choice => (long)choice.Tokens.Length).Distinct().Order()]) { Choices = choices };

    /// <summary>The lengths of a gap whose fillings are not restricted.</summary>
    private static IReadOnlyList<long> LengthsOf(GapSpecification gap)
    {
        long minimum = gap.MinTokens ?? 1, maximum = gap.MaxTokens ?? GapSpecification.DefaultMaxTokens;
        return [.. Enumerable.Range(0, (int)(maximum - minimum) + 1).Select(more => minimum + more)];
    }

    /// <summary>Of more lengths than are compared, those around a token for four characters.</summary>
    private static List<long> Likely(List<long> lengths, GapSpecification gap)
    {
        if (lengths.Count <= LengthOptions.MaxLengths)
            return lengths;
        int middle = lengths.FindIndex(length => length >= (gap.MaxCharacters ?? 0) / CharactersPerToken);
        int first = Math.Clamp(middle - (LengthOptions.MaxLengths / 2), 0, lengths.Count - LengthOptions.MaxLengths);
        return lengths.GetRange(first, LengthOptions.MaxLengths);
    }
}
