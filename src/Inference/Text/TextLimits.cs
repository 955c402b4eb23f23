namespace AsArm.Inference.Text;

/// <summary>Limits of the length of a text, and the error messages for texts that exceed them.</summary>
internal static class TextLimits
{
    /// <summary>Limit of the characters (UTF-16 code units) of a text that is tokenised at once; it bounds memory.</summary>
    public const int MaxCharacters = 1 << 20;

    /// <summary>Limit of the characters of a text that is filled or scored in windows; several copies of it are in memory.</summary>
    public const int MaxWindowedCharacters = 1 << 24;

    /// <summary>Limit of the tokens of a gap in markup; sums of such sizes do not overflow.</summary>
    public const long MaxGapTokens = 999_999_999_999;

    private const string Window = "--window, with which the model sees only the surrounding text";

    /// <summary>Refuses a text with too many characters.</summary>
    /// <exception cref="InfillTextException">More than <see cref="MaxCharacters" />, or <see cref="MaxWindowedCharacters" />.</exception>
    public static void RequireCharacters(long characters, bool inWindows = false)
    {
        if (inWindows && characters > MaxWindowedCharacters)
            throw new InfillTextException($"The text has {characters} characters, at most {MaxWindowedCharacters} are supported in windows.");
        if (!inWindows && characters > MaxCharacters)
            throw new InfillTextException($"The text has {characters} characters, at most {MaxCharacters} are supported at once. Use {Window}.");
    }

    /// <summary>Refuses a text with more tokens than the model takes.</summary>
    /// <exception cref="InfillTextException">There are more tokens than the maximum.</exception>
    public static void RequireTokens(TokenCount count, IReadOnlyList<TextSegment> segments)
    {
        if (count.Fits)
            return;
        bool hasGaps = segments.Any(segment => segment is TextSegment.Gap);
        string separator = $", one of them the separator before a text that begins with a {(hasGaps ? "gap" : "marked span")}";
        throw new InfillTextException(
            $"The text has {count.Total} tokens{(hasGaps ? " with its gaps" : "")}{(count.Separator == 0 ? "" : separator)}; " +
            $"the model takes {count.Maximum}. Use {Window}, or a model with a longer maximum.");
    }

    /// <summary>Refuses a gap that does not fit into a window together with the given token that the network needs.</summary>
    /// <exception cref="InfillTextException">The gap has at least as many tokens as the maximum.</exception>
    public static void RequireWindow(TextSegment.Gap gap, int maximum)
    {
        if (gap.Count >= maximum)
            throw new InfillTextException(
                $"A gap of {gap.Count} tokens does not fit into a window: the model takes {maximum}, one of them given. Use a model with a longer maximum.");
    }

    /// <summary>Refuses spans that do not fit into one window.</summary>
    /// <exception cref="InfillTextException">The text from the first span to the last has too many tokens.</exception>
    public static void RequireWindow(IReadOnlyList<TextSegment> spans, SegmentEncoder encoder)
    {
        long characters = spans.Sum(span => (long)((TextSegment.Literal)span).Text.Length);
        string length = characters > MaxCharacters ? $"{characters} characters"
            : encoder.Count(spans) is { Fits: false } count ? $"{count.Total} tokens"
            : "";
        if (length.Length > 0)
            throw new InfillTextException(
                $"The marked spans do not fit into a window: from the first to the last they have {length}, the model takes {encoder.Maximum} tokens. " +
                "Either score them one by one, or use a model with a longer maximum.");
    }
}
