using System.Globalization;
using AsArm.Inference.Gaps;
using AsArm.Inference.Infilling;

namespace AsArm.Cli.Options;

/// <summary>The ranges of numeric options.</summary>
internal static class Ranges
{
    private const int MaxSamples = 10_000;

    /// <summary>Limit on the characters of a text times its samples: results wait for each other in memory, with 2 bytes per character.</summary>
    private const long MaxSampledCharacters = 1L << 26;

    public static NumberRange<long> Seed { get; } = new("an integer of 64 bits", _ => true);

    public static NumberRange<double> Temperature { get; } = new("a number of at least 0", value => value >= 0 && double.IsFinite(value));

    public static NumberRange<int> TopK { get; } = UpTo(int.MaxValue);

    public static NumberRange<double> TopP { get; } = new("in (0, 1]", value => value is > 0 and <= 1);

    public static NumberRange<double> MinProbability => TopP;

    public static NumberRange<int> LengthFillings { get; } = UpTo(LengthOptions.MaxFillings);

    public static NumberRange<int> LengthSuffix { get; } = UpTo(LengthOptions.MaxSuffixTokens);

    public static NumberRange<int> DraftLength { get; } = UpTo(int.MaxValue);

    public static NumberRange<int> Candidates { get; } = UpTo(int.MaxValue);

    public static NumberRange<int> Beams { get; } = UpTo(CandidateOptions.MaxBeams);

    public static NumberRange<int> Samples { get; } = UpTo(MaxSamples);

    public static NumberRange<int> Particles { get; } = UpTo(InfillOptions.LimitOfParticles);

    public static NumberRange<int> Threads { get; } = UpTo(TextInfillerOptions.MaxThreads);

    /// <summary>Why a text cannot have so many samples in one object of JSON; null if it can.</summary>
    public static string? WhyTooManySamples(string text, int samples) => (long)text.Length * samples <= MaxSampledCharacters ? null
        : string.Create(CultureInfo.InvariantCulture, $"{samples} samples of {text.Length} characters are more than {MaxSampledCharacters} characters together: ask for fewer");

    /// <summary>Why samples cannot have the seeds S, S+1, ...; null if they can.</summary>
    public static string? WhyNoSeeds(long? seed, int? samples) => seed is null || samples is null || seed <= long.MaxValue - (samples - 1) ? null
        : string.Create(CultureInfo.InvariantCulture, $"{samples} seeds from {seed} go past {long.MaxValue}");

    private static NumberRange<int> UpTo(int maximum) =>
        new(string.Create(CultureInfo.InvariantCulture, $"an integer from 1 to {maximum}"), value => value >= 1 && value <= maximum);
}
