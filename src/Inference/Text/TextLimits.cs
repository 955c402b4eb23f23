namespace AsArm.Inference.Text;

/// <summary>How long a text may be.</summary>
internal static class TextLimits
{
    /// <summary>The most characters (UTF-16 code units) of a text whose tokens are counted, so that its tokens fit into memory.</summary>
    public const int MaxCharacters = 1 << 20;

    /// <summary>The most characters of a text that is filled or scored window by window; it is held in memory several times.</summary>
    public const int MaxWindowedCharacters = 1 << 24;

    /// <summary>The largest gap that markup can write; sums of such sizes do not overflow.</summary>
    public const long MaxGapTokens = 999_999_999_999;

    private const string Window = "--window, with which the model sees only the text around";

    /// <summary>Refuses what is too long to be read at all, or to be tokenised at once.</summary>
    /// <exception cref="InfillTextException">More than <see cref="MaxCharacters" />, or <see cref="MaxWindowedCharacters" />.</exception>
    public static void RequireCharacters(long characters, bool inWindows = false)
    {
        if (inWindows && characters > MaxWindowedCharacters)
            throw new InfillTextException($"The text has {characters} characters, at most {MaxWindowedCharacters} are taken in windows.");
        if (!inWindows && characters > MaxCharacters)
            throw new InfillTextException($"The text has {characters} characters, at most {MaxCharacters} are taken at once. Way out: {Window}.");
    }

    /// <summary>Refuses what the model does not take.</summary>
    /// <exception cref="InfillTextException">More tokens than the maximum.</exception>
    public static void RequireTokens(TokenCount count, IReadOnlyList<TextSegment> segments)
    {
        if (count.Fits)
            return;
        bool hasGaps = segments.Any(segment => segment is TextSegment.Gap);
        string separator = $", one of them the separator before a text that begins with a {(hasGaps ? "gap" : "marked span")}";
        throw new InfillTextException(
            $"The text has {count.Total} tokens{(hasGaps ? " with its gaps" : "")}{(count.Separator == 0 ? "" : separator)}; " +
            $"the model takes {count.Maximum}. Ways out: {Window}, or a model with a longer maximum.");
    }

    /// <summary>Refuses a gap that no window holds, beside the given token that the network needs.</summary>
    /// <exception cref="InfillTextException">As many tokens as the maximum, or more.</exception>
    public static void RequireWindow(TextSegment.Gap gap, int maximum)
    {
        if (gap.Count >= maximum)
            throw new InfillTextException(
                $"A gap of {gap.Count} tokens does not fit into a window: the model takes {maximum}, one of them given. Way out: a model with a longer maximum.");
    }

    /// <summary>Refuses spans that no window holds.</summary>
    /// <exception cref="InfillTextException">Too many tokens from the first to the last.</exception>
    public static void RequireWindow(IReadOnlyList<TextSegment> spans, SegmentEncoder encoder)
    {
        long characters = spans.Sum(span => (long)((TextSegment.Literal)span).Text.Length);
        string length = characters > MaxCharacters ? $"{characters} characters"
            : encoder.Count(spans) is { Fits: false } count ? $"{count.Total} tokens"
            : "";
        if (length.Length > 0)
            throw new InfillTextException(
                $"The marked spans do not fit into a window: from the first to the last they have {length}, the model takes {encoder.Maximum} tokens. " +
                "Ways out: score them one by one, or a model with a longer maximum.");
    }
}
