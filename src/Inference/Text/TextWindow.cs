namespace AsArm.Inference.Text;

/// <summary>
/// As much of the text on both sides of some targets as the model takes with them, in equal shares; what one side does not need is the
/// other's. It is cut between words where that loses less than half of a side, else between characters.
/// </summary>
internal sealed class TextWindow
{
    /// <summary>A side has at most so many characters for each token that the model takes.</summary>
    private const int MaxCharactersPerToken = 64;

    private readonly SegmentEncoder _encoder;
    private readonly IReadOnlyList<TextSegment> _targets;
    private readonly string _before;
    private readonly string _after;

    private TextWindow(SegmentEncoder encoder, string before, IReadOnlyList<TextSegment> targets, string after)
    {
        (_encoder, _before, _targets, _after) = (encoder, before, targets, after);
        int maximum = encoder.Maximum, alone = Count(0, 0);
        Left = Longest(0, before.Length, AtWordStart, length => Count(length, 0) <= alone + ((maximum - alone) / 2));
        Right = Longest(0, after.Length, AtWordEnd, length => Count(Left, length) <= maximum);
        Left = Longest(Left, before.Length, AtWordStart, length => Count(length, Right) <= maximum);
    }

    /// <summary>Characters of the text before that are in the window, its last ones.</summary>
    public int Left { get; }

    /// <summary>Characters of the text after that are in the window, its first ones.</summary>
    public int Right { get; }

    /// <summary>What is in the window.</summary>
    public List<TextSegment> Segments => With(Left, Right);

    /// <summary>The longest text that a window looks at on a side, and between its gaps; all together can be tokenised at once.</summary>
    public static int Reach(SegmentEncoder encoder) => Math.Min(MaxCharactersPerToken * encoder.Maximum, TextLimits.MaxCharacters / 4);

    /// <summary>The window around some targets.</summary>
    /// <param name="encoder">Counts tokens.</param>
    /// <param name="before">Given text right before; no more than its last <see cref="Reach" /> characters count.</param>
    /// <param name="targets">From the first target to the last; with the separator they are no more tokens than the model takes.</param>
    /// <param name="after">Given text right after.</param>
    public static TextWindow Around(SegmentEncoder encoder, string before, IReadOnlyList<TextSegment> targets, string after)
    {
        int reach = Reach(encoder);
        return new TextWindow(
            encoder, before.Length > reach ? before[^Whole(before, before.Length - reach)..] : before, targets,
            after.Length > reach ? after[..(after.Length - Whole(after, reach))] : after);

        static int Whole(string text, int at) => text.Length - (char.IsLowSurrogate(text[at]) ? at + 1 : at); // what follows a place between characters
    }

    private List<TextSegment> With(int left, int right)
    {
        var segments = new List<TextSegment>();
        if (left > 0)
            segments.Add(new TextSegment.Literal(_before[^left..], Marked: false));
        segments.AddRange(_targets);
        if (right > 0)
            segments.Add(new TextSegment.Literal(_after[..right], Marked: false));
        return segments;
    }

    private int Count(int left, int right) => (int)_encoder.Count(With(left, right)).Total;

    /// <summary>About the longest side that fits, and one that does, if the shortest one does; doubles the length, then bisects.</summary>
    private static int Longest(int shortest, int longest, Func<int, int> align, Func<int, bool> fits)
    {
        int good = shortest, bad = longest + 1;
        for (int length = Math.Min(Math.Max(2 * shortest, 64), longest); good < length; length = Math.Min(2 * length, longest))
        {
            if (!fits(length))
            {
                bad = length;
                break;
            }

            good = length;
        }

        while (bad - good > 1 && good < longest)
        {
            int middle = good + ((bad - good) / 2);
            (good, bad) = fits(middle) ? (middle, bad) : (good, middle);
        }

        int aligned = align(good);
        while (aligned > shortest && !fits(aligned))
            aligned = align(aligned - 1);
        return Math.Max(aligned, shortest);
    }

    /// <summary>The longest part at the end, no longer than this, that begins with a word.</summary>
    private int AtWordStart(int length)
    {
        if (length == 0 || length == _before.Length)
            return length;
        int characters = char.IsLowSurrogate(_before[^length]) ? length - 1 : length;
        for (int shorter = length; shorter > length / 2; shorter--)
        {
            if (char.IsWhiteSpace(_before[^(shorter + 1)]) && !char.IsWhiteSpace(_before[^shorter]))
                return shorter;
        }

        return characters;
    }

    /// <summary>The longest part at the start, no longer than this, that ends with a word.</summary>
    private int AtWordEnd(int length)
    {
        if (length == 0 || length == _after.Length)
            return length;
        int characters = char.IsLowSurrogate(_after[length]) ? length - 1 : length;
        for (int shorter = length; shorter > length / 2; shorter--)
        {
            if (char.IsWhiteSpace(_after[shorter]) && !char.IsWhiteSpace(_after[shorter - 1]))
                return shorter;
        }

        return characters;
    }
}
