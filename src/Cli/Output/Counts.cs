using System.Globalization;

namespace AsArm.Cli.Output;

/// <summary>Numbers of things, in words that agree with them.</summary>
internal static class Counts
{
    /// <summary>"1 token", "2 tokens".</summary>
    /// <param name="count">How many.</param>
    /// <param name="noun">One of them; the plural has an s.</param>
    public static string Of(long count, string noun) => $"{count.ToString(CultureInfo.InvariantCulture)} {noun}{(count == 1 ? "" : "s")}";
}
