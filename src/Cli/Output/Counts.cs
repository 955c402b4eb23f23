using System.Globalization;

namespace AsArm.Cli.Output;

/// <summary>Numbers of things, in words that agree with them.</summary>
internal static class Counts
{
    /// <summary>"1 token", "2 tokens"; "1 pass", "2 passes".</summary>
    /// <param name="count">How many.</param>
    /// <param name="noun">The singular; the plural ends in s, or in es where the singular ends in s.</param>
    public static string Of(long count, string noun) =>
        $"{count.ToString(CultureInfo.InvariantCulture)} {noun}{(count == 1 ? "" : noun.EndsWith('s') ? "es" : "s")}";
}
