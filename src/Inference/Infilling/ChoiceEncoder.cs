using AsArm.Inference.Gaps;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>Encodes the choices of a gap where they stand, as a span of the text would be.</summary>
/// <param name="segments">The text.</param>
/// <param name="encoder">Encodes it.</param>
internal sealed class ChoiceEncoder(IReadOnlyList<TextSegment> segments, SegmentEncoder encoder)
{
    private const int KeptCharacters = 64; // of the text before a gap: more than its last character matters only if it is white space

    /// <summary>The choices of a gap that have a number of tokens and of characters that it may have.</summary>
    /// <param name="segment">The index of its segment.</param>
    /// <exception cref="InfillTextException">The model cannot write one, one ends with white space, two are the same tokens, or none is left.</exception>
    public IReadOnlyList<EncodedChoice> Encode(int segment)
    {
        GapSpecification gap = ((TextSegment.Gap)segments[segment]).Specification;
        EncodedChoice[] choices = [.. gap.Choices.Select(choice => Encode(segment, gap, choice)).Where(choice => IsOfLength(choice, gap))];
        if (choices.GroupBy(choice => string.Join(',', choice.Tokens)).FirstOrDefault(same => same.Count() > 1)?.ToArray() is [var one, var other, ..])
            throw new InfillTextException($"The choices \"{one.Text}\" and \"{other.Text}\" of {GapSupport.Shown(gap)} are the same tokens for the model.");
        return choices.Length > 0 || gap.Choices.Count == 0 ? choices
            : throw new InfillTextException($"None of the choices of {GapSupport.Shown(gap)} has the number of tokens or characters that it asks for.");
    }

    private EncodedChoice Encode(int segment, GapSpecification gap, string choice)
    {
        if (char.IsWhiteSpace(choice[^1]))
            throw new InfillTextException($"The choice \"{choice}\" of {GapSupport.Shown(gap)} ends with white space, which belongs to the text after the gap.");
        if (char.IsWhiteSpace(choice[0]) && segment > 0 && segments[segment - 1] is TextSegment.Literal { Text: [.., var last] } && char.IsWhiteSpace(last))
            throw new InfillTextException($"The choice \"{choice}\" of {GapSupport.Shown(gap)} begins with white space, which the text before the gap has already.");
        if (!encoder.Tokenizer.CanWrite(choice, encoder.Tokenizer.EncodeContinuation(choice)))
            throw new InfillTextException($"The choice \"{choice}\" of {GapSupport.Shown(gap)} contains characters or symbols that the model cannot write.");
        InfillText text = encoder.Encode([.. Before(segment), new TextSegment.Literal(choice, Marked: true), .. After(segment)]);
        Range own = text.TargetPositions[Before(segment).Count(one => one is TextSegment.Gap)];
        return new EncodedChoice(choice, text.Tokens[own]);
    }

    private static bool IsOfLength(EncodedChoice choice, GapSpecification gap)
    {
        int characters = choice.Text.EnumerateRunes().Count();
        return (gap.MinTokens is null || (choice.Tokens.Length >= gap.MinTokens && choice.Tokens.Length <= gap.MaxTokens))
            && (gap.MinCharacters is null || (characters >= gap.MinCharacters && characters <= gap.MaxCharacters));
    }

    private IReadOnlyList<TextSegment> Before(int segment)
    {
        if (segment == 0)
            return [];
        if (segments[segment - 1] is not TextSegment.Literal literal)
            return [new TextSegment.Gap(1)];
        string text = literal.Text;
        int start = Math.Max(0, text.AsSpan().TrimEnd().Length - KeptCharacters);
        if (start > 0 && char.IsLowSurrogate(text[start]))
            start--;
        TextSegment shown = new TextSegment.Literal(text[start..], Marked: false);
        return start == 0 && segment > 1 ? [new TextSegment.Gap(1), shown] : [shown];
    }

    private IReadOnlyList<TextSegment> After(int segment) =>
        segment + 1 == segments.Count ? [] : segments[segment + 1] is TextSegment.Literal literal ? [new TextSegment.Literal(literal.Text[..1], Marked: false)] : [new TextSegment.Gap(1)];
}
