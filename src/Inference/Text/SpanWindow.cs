namespace AsArm.Inference.Text;

/// <summary>Encodes a text to score, or a window around its spans if the text is too long.</summary>
internal static class SpanWindow
{
    /// <summary>Encodes a text with spans.</summary>
    /// <param name="segments">Segments with at least one span.</param>
    /// <param name="encoder">Encodes and counts tokens.</param>
    /// <param name="mayCut">Whether a text that is too long is cut.</param>
    /// <exception cref="InfillTextException">
    /// The text has too many tokens or, if it may be cut, the part from the first span to the last; or a span contains tokens that cannot be generated.
    /// </exception>
    public static InfillText Encode(IReadOnlyList<TextSegment> segments, SegmentEncoder encoder, bool mayCut)
    {
        long characters = segments.Cast<TextSegment.Literal>().Sum(literal => (long)literal.Text.Length);
        TextLimits.RequireCharacters(characters, mayCut);
        if (!mayCut || (characters <= TextLimits.MaxCharacters && encoder.Count(segments).Fits))
            return encoder.Encode(segments);

        GapSupport.RequireTexts(segments, "in windows");
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
