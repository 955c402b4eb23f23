using System.Globalization;
using AsArm.Assd.Constraints;
using AsArm.Inference.Infilling;

namespace AsArm.Cli.Output;

/// <summary>The figures of a gap of which not just the number of tokens was given, for people.</summary>
internal static class GapFigures
{
    private const int ShownChoices = 5;

    /// <summary>Its length with the probability of that, its choices with theirs, how often it was tried; null if there is nothing to tell.</summary>
    public static string? Of(InfilledGap gap)
    {
        string[] figures = [.. Length(gap), .. Choices(gap), .. Conditioning(gap)];
        return figures.Length == 0 ? null : string.Join("; ", figures);
    }

    private static IEnumerable<string> Length(InfilledGap gap)
    {
        if (gap.EndLogProbability is double end)
            yield return $"{Counts.Of(gap.Tokens.Count, "token")} and the end, whose probability is {Math.Exp(end).ToString("F2", CultureInfo.InvariantCulture)}";
        if (gap.Lengths.Count == 0)
            yield break;
        double probability = gap.Lengths.First(one => one.Tokens == gap.Tokens.Count).Probability;
        yield return $"{Counts.Of(gap.Tokens.Count, "token")} of {gap.Lengths[0].Tokens} to {gap.Lengths[^1].Tokens}, probability {probability.ToString("F2", CultureInfo.InvariantCulture)}";
    }

    private static IEnumerable<string> Choices(InfilledGap gap)
    {
        if (gap.Choices.Count == 0)
            yield break;
        IEnumerable<string> shown = gap.Choices.OrderByDescending(choice => choice.Probability).Take(ShownChoices)
            .Select(choice => $"{choice.Text} {choice.Probability.ToString("F3", CultureInfo.InvariantCulture)}");
        yield return string.Join(", ", shown) + (gap.Choices.Count > ShownChoices ? $" and {gap.Choices.Count - ShownChoices} more" : "");
    }

    private static IEnumerable<string> Conditioning(InfilledGap gap)
    {
        if (gap.Conditioning is not ConditionalStatistics statistics)
            yield break;
        yield return statistics.Method switch
        {
            ConditionalMethod.Exact => $"kept after {statistics.Tries.ToString(CultureInfo.InvariantCulture)} {(statistics.Tries == 1 ? "try" : "tries")}",
            ConditionalMethod.Greedy => "greedy among what is allowed",
            _ => $"resampled from {Counts.Of(statistics.Particles, "weighted sample")}, effective sample size {statistics.EffectiveSampleSize.ToString("F1", CultureInfo.InvariantCulture)}",
        };
    }
}
