namespace AsArm.Inference.Text;

/// <summary>A text to score, or the window around its spans.</summary>
internal static class SpanWindow
{
    /// <summary>Encodes a text with spans.</summary>
    /// <param name="segments">With one span at least.</param>
    /// <param name="encoder">Makes tokens.</param>
    /// <param name="mayCut">Whether a text that the model does not take at once is cut around its spans.</param>
    /// <exception cref="InfillTextException">
    /// Too many tokens, in the text or, where it may be cut, from the first span to the last; or a span that the model cannot write.
    /// </exception>
    public static InfillText Encode(IReadOnlyList<TextSegment> segments, SegmentEncoder encoder, bool mayCut)
    {
        long characters = segments.Cast<TextSegment.Literal>().Sum(literal => (long)literal.Text.Length);
        TextLimits.RequireCharacters(characters, mayCut);
        if (!mayCut || (characters <= TextLimits.MaxCharacters && encoder.Count(segments).Fits))
            return encoder.Encode(segments);

        int first = 0, last = segments.Count - 1;
        while (!IsSpan(segments[first]))
            first++;
        while (!IsSpan(segments[last]))
            last--;
        TextSegment[] spans = [.. segments.Skip(first).Take(last + 1 - first)];
        TextLimits.RequireWindow(spans, encoder);
        return encoder.Encode(TextWindow.Around(
            encoder, Text(segments.Take(first)), spans, Text(segments.Skip(last + 1))).Segments);
    }

    private static bool IsSpan(TextSegment segment) => segment is TextSegment.Literal { Marked: true };

    private static string Text(IEnumerable<TextSegment> segments) => string.Concat(segments.Cast<TextSegment.Literal>().Select(literal => literal.Text));
}
