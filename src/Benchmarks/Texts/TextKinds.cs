namespace AsArm.Benchmarks.Texts;

/// <summary>The kinds of texts and what tables call them.</summary>
public static class TextKinds
{
    private static readonly string[] s_names = ["95 % unknown", "50 % unknown", "one gap of 16", "gaps of 1-4", "continuation"];

    /// <summary>All, in the order of the tables.</summary>
    public static IReadOnlyList<TextKind> All { get; } = Enum.GetValues<TextKind>();

    /// <summary>A few words.</summary>
    public static string NameOf(TextKind kind) => s_names[(int)kind];
}
