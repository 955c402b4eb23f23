namespace AsArm.Inference.Text;

/// <summary>
/// A text with marked spans, as segments: given text, and spans whose probability is computed. Nothing in either is markup.
/// <see cref="Parse" /> reads marked-up text.
/// </summary>
public sealed class ScorePrompt
{
    private readonly PromptSegments _segments;

    /// <summary>Creates an empty prompt.</summary>
    public ScorePrompt() => _segments = new([]);

    private ScorePrompt(List<TextSegment> segments) => _segments = new(segments);

    /// <summary>Given text and marked spans, from left to right; adjacent given texts are one segment.</summary>
    public IReadOnlyList<TextSegment> Segments => _segments;

    /// <summary>The segments, which later additions do not change.</summary>
    internal IReadOnlyList<TextSegment> CopySegments() => _segments.Copy();

    /// <summary>Reads marked-up text.</summary>
    /// <param name="markup">
    /// [[...]] marks a span. Right before a [ or a &lt;, two backslashes stand for one, and a single one escapes the character.
    /// </param>
    /// <exception cref="InfillTextException">A span is not closed, a gap is malformed or within a span, or the text is not valid Unicode.</exception>
    public static ScorePrompt Parse(string markup) => new(TextMarkup.Parse(markup, spans: true));

    /// <summary>Escapes a given text, so that <see cref="Parse" /> returns exactly that text.</summary>
    /// <param name="text">Any text.</param>
    public static string Escape(string text) => TextMarkup.Escape(text, spans: true);

    /// <summary>Adds given text.</summary>
    /// <param name="text">The text, not escaped.</param>
    /// <returns>This prompt.</returns>
    /// <exception cref="InfillTextException">The text is not valid Unicode.</exception>
    public ScorePrompt AddText(string text)
    {
        _segments.AddText(text);
        return this;
    }

    /// <summary>Adds given tokens, which the model sees exactly as they are. They are not supported in windows.</summary>
    /// <param name="tokens">Ids of the model's vocabulary, special ones included, but not the mask.</param>
    /// <returns>This prompt.</returns>
    /// <exception cref="InvalidOperationException">They follow a text, whose tokens depend on what follows.</exception>
    public ScorePrompt AddTokens(IEnumerable<int> tokens)
    {
        _segments.AddTokens(tokens, marked: false);
        return this;
    }

    /// <summary>
    /// Adds tokens whose probability is computed: that of exactly these tokens among all sequences of text tokens, without a rule for the space before the first one.
    /// <see cref="SpanScore.Text" /> is their text.
    /// </summary>
    /// <param name="tokens">Ids of the model's vocabulary, that are text; at least one.</param>
    /// <returns>This prompt.</returns>
    /// <exception cref="InvalidOperationException">They follow a text, whose tokens depend on what follows.</exception>
    public ScorePrompt AddTokenSpan(IEnumerable<int> tokens)
    {
        _segments.AddTokens(tokens, marked: true);
        return this;
    }

    /// <summary>Adds a span whose probability is computed.</summary>
    /// <param name="text">The text, not escaped.</param>
    /// <returns>This prompt.</returns>
    /// <exception cref="InfillTextException">The text is not valid Unicode.</exception>
    public ScorePrompt AddSpan(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        TextMarkup.RequireUnicode(text);
        _segments.Add(new TextSegment.Literal(text, Marked: true));
        return this;
    }
}
