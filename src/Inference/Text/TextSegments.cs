namespace AsArm.Inference.Text;

/// <summary>Helpers for lists of segments.</summary>
internal static class TextSegments
{
    /// <summary>Appends given text, merged with a given text before it.</summary>
    /// <exception cref="InfillTextException">The text is not valid Unicode.</exception>
    public static void AddText(List<TextSegment> segments, string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        TextMarkup.RequireUnicode(text);
        if (text.Length == 0)
            return;
        if (segments is [.., TextSegment.Literal { Marked: false } before])
            segments[^1] = before with { Text = before.Text + text };
        else
            segments.Add(new TextSegment.Literal(text, Marked: false));
    }
}
