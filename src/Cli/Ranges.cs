using System.Globalization;

namespace AsArm.Cli;

/// <summary>The ranges of numeric options.</summary>
internal static class Ranges
{
    private const int MaximumSamples = 10_000;
    private const int MaximumThreads = 1024;

    public static NumberRange<long> Seed { get; } = new("a whole number", _ => true);

    public static NumberRange<double> Temperature { get; } = new("a number of at least 0", value => value >= 0 && double.IsFinite(value));

    public static NumberRange<int> TopK { get; } = new("a whole number of at least 1", value => value >= 1);

    public static NumberRange<double> TopP { get; } = new("in (0, 1]", value => value is > 0 and <= 1);

    public static NumberRange<int> DraftLength { get; } = new("a whole number of at least 1", value => value >= 1);

    public static NumberRange<int> Samples { get; } = UpTo(MaximumSamples);

    public static NumberRange<int> Threads { get; } = UpTo(MaximumThreads);

    private static NumberRange<int> UpTo(int maximum) =>
        new(string.Create(CultureInfo.InvariantCulture, $"a whole number from 1 to {maximum}"), value => value >= 1 && value <= maximum);
}
