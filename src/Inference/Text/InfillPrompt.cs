namespace AsArm.Inference.Text;

/// <summary>
/// A text with gaps, as segments: given text, in which nothing is markup, and gaps of some tokens. <see cref="Parse" /> makes one of
/// marked-up text, <see cref="ToString" /> the other way around.
/// </summary>
/// <example><code>
/// InfillPrompt prompt = new InfillPrompt().AddText(@"C:\dir\").AddGap(2).AddText(".txt");
/// </code></example>
public sealed class InfillPrompt
{
    private readonly List<TextSegment> _segments;

    /// <summary>An empty prompt.</summary>
    public InfillPrompt() => _segments = [];

    private InfillPrompt(List<TextSegment> segments) => _segments = segments;

    /// <summary>Given text and gaps, in order; texts that follow each other are one.</summary>
    public IReadOnlyList<TextSegment> Segments => _segments;

    /// <summary>
    /// What <see cref="Parse" /> took as given text although it looks like a gap, such as &lt;MASK&gt;, a sentence; null if there is
    /// nothing of the kind.
    /// </summary>
    public string? Warning { get; private init; }

    /// <summary>Reads marked-up text.</summary>
    /// <param name="markup">
    /// &lt;mask&gt; is one unknown token, &lt;mask:N&gt; a gap of N; right before a &lt;, two backslashes stand for one, and one that is
    /// left over makes it a plain &lt;. Everything else is given text.
    /// </param>
    /// <exception cref="InfillTextException">A malformed gap, or no valid Unicode.</exception>
    public static InfillPrompt Parse(string markup)
    {
        List<TextSegment> segments = TextMarkup.Parse(markup, spans: false, out TextMarkup.Lookalikes lookalikes);
        return new InfillPrompt(segments) { Warning = lookalikes.Description };
    }

    /// <summary>
    /// The markup of a text: <see cref="Parse" /> gives exactly that text back, whatever it holds. What is put together from several
    /// texts and gaps is better built with <see cref="AddText" /> and <see cref="AddGap" />: a backslash at the end of an escaped text
    /// would escape a &lt; that is put after it.
    /// </summary>
    /// <param name="text">Any text.</param>
    public static string Escape(string text) => TextMarkup.Escape(text, spans: false);

    /// <summary>Adds given text.</summary>
    /// <param name="text">As it is; nothing in it is markup.</param>
    /// <returns>This prompt.</returns>
    /// <exception cref="InfillTextException">No valid Unicode.</exception>
    public InfillPrompt AddText(string text)
    {
        TextSegments.AddText(_segments, text);
        return this;
    }

    /// <summary>Adds a gap.</summary>
    /// <param name="tokens">How many unknown tokens, at least one.</param>
    /// <returns>This prompt.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Less than one.</exception>
    public InfillPrompt AddGap(int tokens = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(tokens, 1);
        _segments.Add(new TextSegment.Gap(tokens));
        return this;
    }

    /// <summary>The markup: <see cref="Parse" /> gives the same segments.</summary>
    public override string ToString() => TextMarkup.Write(_segments);
}
