namespace AsArm.Inference.Text;

/// <summary>
/// A window around some targets: as much text on both sides as the model takes, in equal shares; what one side does not need goes to the other.
/// Text is cut between words if that loses less than half of a side, else between characters.
/// </summary>
internal sealed class TextWindow
{
    /// <summary>Limit of the characters of a side per token that the model takes.</summary>
    private const int MaxCharactersPerToken = 64;

    private readonly SegmentEncoder _encoder;
    private readonly IReadOnlyList<TextSegment> _targets;
    private readonly string _before;
    private readonly string _after;

    private TextWindow(SegmentEncoder encoder, string before, IReadOnlyList<TextSegment> targets, string after)
    {
        (_encoder, _before, _targets, _after) = (encoder, before, targets, after);
        int maximum = encoder.Maximum, alone = Count(0, 0);
        Left = FindMaxLength(0, before.Length, AtWordStart, length => Count(length, 0) <= alone + ((maximum - alone) / 2));
        Right = FindMaxLength(0, after.Length, AtWordEnd, length => Count(Left, length) <= maximum);
        Left = FindMaxLength(Left, before.Length, AtWordStart, length => Count(length, Right) <= maximum);
    }

    /// <summary>Number of characters of the text before the targets that are in the window.</summary>
    public int Left { get; }

    /// <summary>Number of characters of the text after the targets that are in the window.</summary>
    public int Right { get; }

    /// <summary>The segments of the window.</summary>
    public List<TextSegment> Segments => With(Left, Right);

    /// <summary>Limit of the characters that are considered on a side, and between gaps; all of them together can be tokenised at once.</summary>
    public static int Reach(SegmentEncoder encoder) => Math.Min(MaxCharactersPerToken * encoder.Maximum, TextLimits.MaxCharacters / 4);

    /// <summary>Creates a window around targets.</summary>
    /// <param name="encoder">Counts tokens.</param>
    /// <param name="before">Given text right before the targets; only its last <see cref="Reach" /> characters are used.</param>
    /// <param name="targets">The segments from the first target to the last. They must fit, together with the separator.</param>
    /// <param name="after">Given text right after the targets.</param>
    public static TextWindow Around(SegmentEncoder encoder, string before, IReadOnlyList<TextSegment> targets, string after)
    {
        int reach = Reach(encoder);
        return new TextWindow(
            encoder, before.Length > reach ? before[^Whole(before, before.Length - reach)..] : before, targets,
            after.Length > reach ? after[..(after.Length - Whole(after, reach))] : after);

        static int Whole(string text, int at) => text.Length - (char.IsLowSurrogate(text[at]) ? at + 1 : at); // length of the rest, without splitting a surrogate pair
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

    /// <summary>Finds about the largest length of a side that fits, by doubling and then bisection. The result fits if the smallest length does.</summary>
    private static int FindMaxLength(int minLength, int maxLength, Func<int, int> align, Func<int, bool> fits)
    {
        int fitting = minLength, tooLong = maxLength + 1;
        for (int length = Math.Min(Math.Max(2 * minLength, 64), maxLength); fitting < length; length = Math.Min(2 * length, maxLength))
        {
            if (!fits(length))
            {
                tooLong = length;
                break;
            }

            fitting = length;
        }

        while (tooLong - fitting > 1)
        {
            int middle = fitting + ((tooLong - fitting) / 2);
            (fitting, tooLong) = fits(middle) ? (middle, tooLong) : (fitting, middle);
        }

        int aligned = align(fitting);
        while (aligned > minLength && !fits(aligned))
            aligned = align(aligned - 1);
        return Math.Max(aligned, minLength);
    }

    /// <summary>The largest length, up to the given one, such that the end of the text before begins with a word.</summary>
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

    /// <summary>The largest length, up to the given one, such that the start of the text after ends with a word.</summary>
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
