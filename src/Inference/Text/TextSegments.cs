namespace AsArm.Inference.Text;

/// <summary>Segments of a prompt that is put together.</summary>
internal static class TextSegments
{
    /// <summary>Adds given text, to the text before it if there is one.</summary>
    /// <exception cref="InfillTextException">No valid Unicode.</exception>
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
