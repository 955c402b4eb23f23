namespace AsArm.Inference.Text;

/// <summary>
/// A text with gaps, as segments: given text, in which nothing is markup, and gaps with what is known of them. <see cref="Parse" /> reads
/// marked-up text, <see cref="ToString" /> writes it.
/// </summary>
/// <example><code>
/// InfillPrompt prompt = new InfillPrompt().AddText(@"C:\dir\").AddGap(2).AddText(".txt");
/// </code></example>
public sealed class InfillPrompt
{
    private readonly PromptSegments _segments;

    /// <summary>Creates an empty prompt.</summary>
    public InfillPrompt() => _segments = new([]);

    private InfillPrompt(List<TextSegment> segments) => _segments = new(segments);

    /// <summary>Given text and gaps, from left to right; adjacent texts are one segment.</summary>
    public IReadOnlyList<TextSegment> Segments => _segments;

    /// <summary>The segments, which later additions do not change.</summary>
    internal IReadOnlyList<TextSegment> CopySegments() => _segments.Copy();

    /// <summary>
    /// A sentence about text that <see cref="Parse" /> read as given text although it looks like a gap, such as &lt;MASK&gt;; null if there is
    /// none.
    /// </summary>
    public string? Warning { get; private init; }

    /// <summary>Reads marked-up text.</summary>
    /// <param name="markup">
    /// &lt;mask&gt; is a gap of one token, &lt;mask:N&gt; a gap of N; docs/gaps.md has more forms. Right before a &lt;, two backslashes stand for one, and a single one escapes
    /// the &lt;. Everything else is given text.
    /// </param>
    /// <exception cref="InfillTextException">A gap is malformed, or the text is not valid Unicode.</exception>
    public static InfillPrompt Parse(string markup)
    {
        List<TextSegment> segments = TextMarkup.Parse(markup, spans: false, out TextMarkup.Lookalikes lookalikes);
        return new InfillPrompt(segments) { Warning = lookalikes.Description };
    }

    /// <summary>
    /// Escapes a text, so that <see cref="Parse" /> returns exactly that text. To combine texts and gaps, use
    /// <see cref="AddText" /> and <see cref="AddGap(int)" />: a backslash at the end of an escaped text would escape a &lt; that is appended to it.
    /// </summary>
    /// <param name="text">Any text.</param>
    public static string Escape(string text) => TextMarkup.Escape(text, spans: false);

    /// <summary>Adds given text.</summary>
    /// <param name="text">The text, not escaped.</param>
    /// <returns>This prompt.</returns>
    /// <exception cref="InfillTextException">The text is not valid Unicode.</exception>
    public InfillPrompt AddText(string text)
    {
        _segments.AddText(text);
        return this;
    }

    /// <summary>
    /// Adds given tokens, which the model sees exactly as they are, whether or not the tokenizer would divide their text in the same way. In the result they are
    /// shown decoded, special tokens by their names. After them the model decides whether a gap begins with a space. They are not supported in windows, beside choices
    /// or with a minimum probability.
    /// </summary>
    /// <param name="tokens">Ids of the model's vocabulary, special ones included, but not the mask.</param>
    /// <returns>This prompt.</returns>
    /// <exception cref="InvalidOperationException">They follow a text, whose tokens depend on what follows.</exception>
    public InfillPrompt AddTokens(IEnumerable<int> tokens)
    {
        _segments.AddTokens(tokens, marked: false);
        return this;
    }

    /// <summary>Adds a gap.</summary>
    /// <param name="tokens">Number of tokens, at least 1.</param>
    /// <returns>This prompt.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public InfillPrompt AddGap(int tokens = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(tokens, 1);
        _segments.Add(new TextSegment.Gap(tokens));
        return this;
    }

    /// <summary>Adds a gap of which more is known than the number of tokens, or less.</summary>
    /// <param name="gap">What is known of it.</param>
    /// <returns>This prompt.</returns>
    public InfillPrompt AddGap(GapSpecification gap)
    {
        ArgumentNullException.ThrowIfNull(gap);
        _segments.Add(new TextSegment.Gap(gap));
        return this;
    }

    /// <summary>Returns the markup, from which <see cref="Parse" /> gives the same segments; tokens are left out.</summary>
    public override string ToString() => TextMarkup.Write(_segments);
}
