namespace AsArm.Inference.Text;

/// <summary>Refuses gaps that a command or method does not fill, by name.</summary>
internal static class GapSupport
{
    /// <summary>Refuses all gaps but those of a given number of tokens.</summary>
    /// <param name="segments">The text.</param>
    /// <param name="where">Where they are not supported: "in windows".</param>
    /// <exception cref="InfillTextException">There is another one.</exception>
    public static void RequirePlain(IReadOnlyList<TextSegment> segments, string where)
    {
        foreach (TextSegment.Gap gap in segments.OfType<TextSegment.Gap>())
        {
            if (!gap.IsPlain)
                throw new InfillTextException($"{Describe(gap.Specification)} are not supported {where}: {Shown(gap.Specification)}.");
        }
    }

    /// <summary>Refuses tokens in place of texts.</summary>
    /// <param name="segments">The text.</param>
    /// <param name="where">Where they are not supported: "in windows".</param>
    /// <exception cref="InfillTextException">There are some.</exception>
    public static void RequireTexts(IReadOnlyList<TextSegment> segments, string where)
    {
        if (segments.Any(segment => segment is TextSegment.Literal { Tokens: not null }))
            throw new InfillTextException($"Given tokens are not supported {where}.");
    }

    /// <summary>Refuses gaps that contradict each other or the options.</summary>
    /// <param name="segments">The text.</param>
    /// <param name="spacing">Whether the text or the model determines spaces.</param>
    /// <param name="hasConditions">Whether the options have conditions on gaps.</param>
    /// <exception cref="InfillTextException">There is one.</exception>
    public static void RequireSupported(IReadOnlyList<TextSegment> segments, GapSpacing spacing, bool hasConditions)
    {
        if (spacing == GapSpacing.FromModel && hasConditions)
            throw new InfillTextException("Word lists and excluded characters need the spaces as they are typed (--gap-spacing typed).");
        var named = new Dictionary<string, GapSpecification>();
        foreach (GapSpecification gap in segments.OfType<TextSegment.Gap>().Select(segment => segment.Specification))
        {
            if (spacing == GapSpacing.FromModel && !HasLengthOnly(gap))
                throw new InfillTextException($"{Describe(gap)} need the spaces as they are typed (--gap-spacing typed): {Shown(gap)}.");
            if (gap.Name is string name && !named.TryAdd(name, gap) && named[name] != gap)
                throw new InfillTextException($"Gaps of one name must be the same but for their place: {Shown(named[name])} and {Shown(gap)}.");
        }
    }

    /// <summary>The markup of a gap, as far as a message needs it.</summary>
    public static string Shown(GapSpecification gap)
    {
        string markup = gap.ToString();
        return markup.Length <= 80 ? markup : markup[..(char.IsHighSurrogate(markup[79]) ? 79 : 80)] + "...";
    }

    private static bool HasLengthOnly(GapSpecification gap) => gap is { Pattern: null, Name: null, MinCharacters: null, Choices.Count: 0 };

    private static string Describe(GapSpecification gap) =>
        gap.Pattern is not null ? "Patterns"
        : gap.Choices.Count > 0 ? "Choices"
        : gap.MinCharacters is not null ? "Gaps of a number of characters"
        : gap.Name is not null ? "Named gaps"
        : "Gaps of unknown length";
}
