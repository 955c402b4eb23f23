namespace AsArm.Inference.Text;

/// <summary>
/// A text with marked spans, as segments: given text and spans whose probability is asked for. Nothing in either is markup.
/// <see cref="Parse" /> makes one of marked-up text.
/// </summary>
public sealed class ScorePrompt
{
    private readonly List<TextSegment> _segments;

    /// <summary>An empty prompt.</summary>
    public ScorePrompt() => _segments = [];

    private ScorePrompt(List<TextSegment> segments) => _segments = segments;

    /// <summary>Given text and marked spans, in order; given texts that follow each other are one.</summary>
    public IReadOnlyList<TextSegment> Segments => _segments;

    /// <summary>Reads marked-up text.</summary>
    /// <param name="markup">
    /// [[...]] marks a span; right before a [ or a &lt;, two backslashes stand for one, and one that is left over makes it a plain
    /// character.
    /// </param>
    /// <exception cref="InfillTextException">A span that is not closed, a gap that is malformed or in a span, or no valid Unicode.</exception>
    public static ScorePrompt Parse(string markup) => new(TextMarkup.Parse(markup, spans: true));

    /// <summary>The markup of a given text: <see cref="Parse" /> gives exactly that text back, whatever it holds.</summary>
    /// <param name="text">Any text.</param>
    public static string Escape(string text) => TextMarkup.Escape(text, spans: true);

    /// <summary>Adds given text.</summary>
    /// <param name="text">As it is; nothing in it is markup.</param>
    /// <returns>This prompt.</returns>
    /// <exception cref="InfillTextException">No valid Unicode.</exception>
    public ScorePrompt AddText(string text)
    {
        TextSegments.AddText(_segments, text);
        return this;
    }

    /// <summary>Adds a span whose probability is asked for.</summary>
    /// <param name="text">As it is; nothing in it is markup.</param>
    /// <returns>This prompt.</returns>
    /// <exception cref="InfillTextException">No valid Unicode.</exception>
    public ScorePrompt AddSpan(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        TextMarkup.RequireUnicode(text);
        _segments.Add(new TextSegment.Literal(text, Marked: true));
        return this;
    }
}
