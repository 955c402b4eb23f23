using System.Text;

namespace AsArm.Inference.Text;

/// <summary>
/// A text with gaps as one window, or as a chain of windows from left to right, in each of which what was filled before is given text.
/// Gaps share a window where they take no more than three quarters of it, the text between them included.
/// </summary>
internal sealed class WindowedText
{
    private readonly SegmentEncoder _encoder;
    private readonly IReadOnlyList<TextSegment> _segments;
    private readonly StringBuilder _before = new(); // all text before the current window, filled
    private string _after = ""; // given text between the current window and the next gap
    private int _next; // the segment after that text

    /// <param name="segments">With one gap at least.</param>
    /// <param name="encoder">Makes tokens.</param>
    /// <param name="mayCut">Whether a text that the model does not take at once is filled window by window.</param>
    /// <exception cref="InfillTextException">Too many tokens, or, where windows are allowed, too many in one gap.</exception>
    public WindowedText(IReadOnlyList<TextSegment> segments, SegmentEncoder encoder, bool mayCut)
    {
        (_segments, _encoder) = (segments, encoder);
        if (!mayCut || Fits())
        {
            Current = encoder.Encode(segments);
            _next = segments.Count;
            return;
        }

        foreach (TextSegment.Gap gap in segments.OfType<TextSegment.Gap>())
            TextLimits.RequireWindow(gap, encoder.Maximum);
        Current = NextWindow();
    }

    private WindowedText(WindowedText other)
    {
        (_encoder, _segments, _after, _next) = (other._encoder, other._segments, other._after, other._next);
        (Current, Warning) = (other.Current, other.Warning);
        _before.Append(other._before);
    }

    /// <summary>What looks like a gap and was taken as given text, see <see cref="InfillPrompt.Warning" />.</summary>
    public string? Warning { get; init; }

    /// <summary>The window to be filled.</summary>
    public InfillText Current { get; private set; }

    /// <summary>The same text at the same window, to be filled on its own.</summary>
    public WindowedText Copy() => new(this);

    /// <summary>Goes on to the next window.</summary>
    /// <param name="filled">The text of the current one with its gaps filled.</param>
    /// <returns>False if there is none: all gaps are filled.</returns>
    public bool MoveNext(string filled)
    {
        _before.Append(filled).Append(_after);
        _after = "";
        if (_next == _segments.Count)
            return false;
        Current = NextWindow();
        return true;
    }

    /// <summary>The whole text so far; gaps of later windows appear as &lt;mask:N&gt;.</summary>
    /// <param name="current">The text of the current window.</param>
    public string WithCurrent(string current)
    {
        var text = new StringBuilder().Append(_before).Append(current).Append(_after);
        foreach (TextSegment segment in _segments.Skip(_next))
            text.Append(segment is TextSegment.Gap gap ? $"<mask:{gap.Count}>" : ((TextSegment.Literal)segment).Text);
        return text.ToString();
    }

    /// <summary>The whole text; there is no window left.</summary>
    public override string ToString() => _before.ToString();

    private bool Fits()
    {
        long characters = _segments.OfType<TextSegment.Literal>().Sum(literal => (long)literal.Text.Length);
        return characters <= TextLimits.MaxCharacters && _encoder.Count(_segments).Fits;
    }

    private InfillText NextWindow()
    {
        int first = _next;
        if (_segments[first] is TextSegment.Literal literal) // the first of all; of later ones the window before has taken it
        {
            _before.Append(literal.Text);
            first++;
        }

        int last = LastOfGroup(first);
        List<TextSegment> targets = [.. _segments.Skip(first).Take(last + 1 - first)];
        if (first > 0 && _segments[first - 1] is TextSegment.Gap)
            targets[0] = (TextSegment.Gap)targets[0] with { FollowsFilledGap = true };
        string after = last + 1 < _segments.Count && _segments[last + 1] is TextSegment.Literal next ? next.Text : "";
        string before = _before.ToString(Math.Max(0, _before.Length - TextWindow.Reach(_encoder) - 1), Math.Min(_before.Length, TextWindow.Reach(_encoder) + 1));
        TextWindow window = TextWindow.Around(_encoder, before, targets, after);
        _before.Length -= window.Left;
        _after = after[window.Right..];
        _next = last + 1 + (after.Length > 0 ? 1 : 0);
        return _encoder.Encode(window.Segments);
    }

    /// <summary>The last gap that shares a window with this one.</summary>
    private int LastOfGroup(int first)
    {
        int last = first, most = _encoder.Maximum * 3 / 4, characters = 0;
        for (int end = first + 1; end < _segments.Count; end++)
        {
            if (_segments[end] is TextSegment.Literal literal)
            {
                characters += literal.Text.Length; // white space may have no tokens
                if (characters > TextWindow.Reach(_encoder))
                    break;
                continue;
            }

            if (_encoder.Count([.. _segments.Skip(first).Take(end + 1 - first)]).Total > most)
                break;
            last = end;
        }

        return last;
    }
}
