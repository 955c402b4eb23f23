using System.Collections;
using System.Text;

namespace AsArm.Inference.Text;

/// <summary>
/// The segments of a prompt. Adjacent given texts are one segment, which is put together when it is asked for, so that adding them takes linear time.
/// Thread-safe as long as nothing is added.
/// </summary>
/// <param name="segments">The first segments; from now on used here alone.</param>
internal sealed class PromptSegments(List<TextSegment> segments) : IReadOnlyList<TextSegment>
{
    private readonly StringBuilder _text = new(); // given text after the segments, not empty only between additions

    /// <inheritdoc />
    public int Count => Complete().Count;

    /// <inheritdoc />
    public TextSegment this[int index] => Complete()[index];

    /// <inheritdoc />
    public IEnumerator<TextSegment> GetEnumerator() => Complete().GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>A copy, which additions do not change.</summary>
    public TextSegment[] Copy() => [.. Complete()];

    /// <summary>Adds a segment that is not given text.</summary>
    public void Add(TextSegment segment) => Complete().Add(segment);

    /// <summary>Adds given text.</summary>
    /// <exception cref="InfillTextException">The text is not valid Unicode.</exception>
    public void AddText(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        TextMarkup.RequireUnicode(text);
        if (text.Length == 0)
            return;
        lock (segments)
        {
            if (_text.Length == 0 && segments is [.., TextSegment.Literal { Marked: false, Tokens: null } before])
            {
                segments.RemoveAt(segments.Count - 1);
                _text.Append(before.Text);
            }

            _text.Append(text);
        }
    }

    /// <summary>Adds tokens.</summary>
    /// <exception cref="InvalidOperationException">They follow a text.</exception>
    public void AddTokens(IEnumerable<int> tokens, bool marked)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        int[] ids = [.. tokens];
        List<TextSegment> all = Complete();
        if (all is [.., TextSegment.Literal { Tokens: null }])
            throw new InvalidOperationException("Tokens cannot follow a text, whose tokens depend on what follows: add the tokens of that text instead.");
        if (ids.Length > 0 || marked)
            all.Add(new TextSegment.Literal("", marked) { Tokens = ids });
    }

    private List<TextSegment> Complete()
    {
        lock (segments)
        {
            if (_text.Length > 0)
                segments.Add(new TextSegment.Literal(_text.ToString(), Marked: false));
            _text.Clear();
            return segments;
        }
    }
}
