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
                throw new InfillTextException($"{Describe(gap.Specification)} are not supported {where}: {Shown(gap)}.");
        }
    }

    /// <summary>Refuses gaps that cannot be filled yet.</summary>
    /// <exception cref="InfillTextException">There is one.</exception>
    public static void RequireSupported(IReadOnlyList<TextSegment> segments)
    {
        foreach (TextSegment.Gap gap in segments.OfType<TextSegment.Gap>())
        {
            if (gap.Specification is { Pattern: not null } or { Name: not null } or { MinCharacters: not null } or { Choices.Count: > 0 })
                throw new InfillTextException($"{Describe(gap.Specification)} are not supported yet: {Shown(gap)}.");
        }
    }

    private static string Shown(TextSegment.Gap gap)
    {
        string markup = gap.Specification.ToString();
        return markup.Length <= 80 ? markup : markup[..(char.IsHighSurrogate(markup[79]) ? 79 : 80)] + "...";
    }

    private static string Describe(GapSpecification gap) =>
        gap.Pattern is not null ? "Patterns"
        : gap.Choices.Count > 0 ? "Choices"
        : gap.MinCharacters is not null ? "Gaps of a number of characters"
        : gap.Name is not null ? "Named gaps"
        : "Gaps of unknown length";
}
