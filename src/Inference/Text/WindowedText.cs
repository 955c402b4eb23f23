using System.Text;

namespace AsArm.Inference.Text;

/// <summary>
/// A text with gaps that is filled in one window, or in several from left to right, in each of which text that was filled before is given. Gaps
/// share a window if they and the text between them are at most three quarters of it.
/// </summary>
internal sealed class WindowedText
{
    private readonly SegmentEncoder _encoder;
    private readonly IReadOnlyList<TextSegment> _segments;
    private readonly StringBuilder _before = new(); // all text before the current window, filled
    private string _after = ""; // given text between the current window and the next gap
    private int _next; // index of the segment after that text

    /// <param name="segments">Segments with at least one gap.</param>
    /// <param name="encoder">Encodes and counts tokens.</param>
    /// <param name="mayCut">Whether a text that is too long is filled in windows.</param>
    /// <exception cref="InfillTextException">The text has too many tokens or, if windows are allowed, a gap has.</exception>
    public WindowedText(IReadOnlyList<TextSegment> segments, SegmentEncoder encoder, bool mayCut)
    {
        (_segments, _encoder) = (segments, encoder);
        if (!mayCut || Fits())
        {
            Current = encoder.Encode(segments);
            _next = segments.Count;
            return;
        }

        GapSupport.RequireTexts(segments, "in windows");
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

    /// <summary>A warning about given text that looks like a gap, see <see cref="InfillPrompt.Warning" />; null if there is none.</summary>
    public string? Warning { get; init; }

    /// <summary>The current window.</summary>
    public InfillText Current { get; private set; }

    /// <summary>Whether another window follows the current one.</summary>
    public bool HasMore => _next < _segments.Count;

    /// <summary>Where the current window begins in the whole text.</summary>
    public int Start => _before.Length;

    /// <summary>Number of characters of given text between the current window and the next gap, or the end.</summary>
    public int GivenAfter => _after.Length;

    /// <summary>Whether the next window may move a space right before it into its gap (<see cref="GapSpacing.FromModel" />).</summary>
    public bool MayMoveSpace => HasMore && _encoder.Spacing == GapSpacing.FromModel;

    /// <summary>An independent copy, at the same window.</summary>
    public WindowedText Copy() => new(this);

    /// <summary>Moves to the next window.</summary>
    /// <param name="filled">The filled text of the current window.</param>
    /// <returns>False if all gaps are filled.</returns>
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

    /// <summary>Returns the whole text, after the last window.</summary>
    public override string ToString() => _before.ToString();

    private bool Fits()
    {
        long characters = _segments.OfType<TextSegment.Literal>().Sum(literal => (long)literal.Text.Length);
        return characters <= TextLimits.MaxCharacters && _encoder.Count(_segments).Fits;
    }

    private InfillText NextWindow()
    {
        int first = _next;
        if (_segments[first] is TextSegment.Literal literal) // only at the start of the text; later ones belong to the previous window
        {
            _before.Append(literal.Text);
            first++;
        }

        int last = LastInWindow(first);
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

    /// <summary>Index of the last gap that shares a window with the given one.</summary>
    private int LastInWindow(int first)
    {
        int last = first, maxTokens = _encoder.Maximum * 3 / 4, characters = 0;
        for (int end = first + 1; end < _segments.Count; end++)
        {
            if (_segments[end] is TextSegment.Literal literal)
            {
                characters += literal.Text.Length; // counted too, as white space may have no tokens
                if (characters > TextWindow.Reach(_encoder))
                    break;
                continue;
            }

            if (_encoder.Count([.. _segments.Skip(first).Take(end + 1 - first)]).Total > maxTokens)
                break;
            last = end;
        }

        return last;
    }
}
