using System.Numerics.Tensors;

namespace AsArm.Inference.Verification;

/// <summary>How far the distributions of a model are from recorded ones, over a number of rows of logits.</summary>
/// <param name="Rows">Distributions compared.</param>
/// <param name="MeanDivergence">Kullback-Leibler divergence KL(recorded, model) in nats, the mean over the rows.</param>
/// <param name="WorstDivergence">The same of the worst row.</param>
/// <param name="MeanVariation">Total variation distance, half the sum of absolute differences of probabilities (0 to 1), the mean over the rows.</param>
/// <param name="WorstVariation">The same of the worst row.</param>
/// <param name="Information">KL(recorded, uniform) in nats, the mean over the rows: what the recorded distributions know.</param>
/// <remarks>All are infinite where a logit of the model is not a number.</remarks>
public sealed record DistributionDifference(
    int Rows, double MeanDivergence, double WorstDivergence, double MeanVariation, double WorstVariation, double Information)
{
    /// <summary>The mean divergence as a share of <see cref="Information" />: 0 for the same distributions, 1 for a model that knows nothing.
    /// Tells a wrong model also where all distributions are nearly uniform, as those of random weights are.</summary>
    public double RelativeDivergence => Information > 0 ? MeanDivergence / Information : MeanDivergence > 0 ? double.PositiveInfinity : 0;

    /// <summary>Compares rows of logits.</summary>
    /// <param name="logits">[rows, vocabulary] of the model.</param>
    /// <param name="recorded">[rows, vocabulary].</param>
    /// <param name="vocabulary">Logits of a row.</param>
    internal static DistributionDifference Of(ReadOnlySpan<float> logits, ReadOnlySpan<float> recorded, int vocabulary)
    {
        var rows = new List<DistributionDifference>();
        for (int start = 0; start < recorded.Length; start += vocabulary)
            rows.Add(OfRow(logits.Slice(start, vocabulary), recorded.Slice(start, vocabulary)));
        return Over(rows);
    }

    /// <summary>Of all rows of several comparisons, one at least.</summary>
    public static DistributionDifference Over(IReadOnlyCollection<DistributionDifference> parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        double rows = parts.Sum(part => part.Rows);
        return new(
            parts.Sum(part => part.Rows),
            parts.Sum(part => part.Rows * part.MeanDivergence) / rows, parts.Max(part => part.WorstDivergence),
            parts.Sum(part => part.Rows * part.MeanVariation) / rows, parts.Max(part => part.WorstVariation),
            parts.Sum(part => part.Rows * part.Information) / rows);
    }

    private static DistributionDifference OfRow(ReadOnlySpan<float> row, ReadOnlySpan<float> recorded)
    {
        double rowTotal = LogSum(row), recordedTotal = LogSum(recorded);
        double divergence = 0, variation = 0, information = Math.Log(recorded.Length);
        for (int token = 0; token < recorded.Length; token++)
        {
            double log = recorded[token] - recordedTotal, other = row[token] - rowTotal, probability = Math.Exp(log);
            divergence += probability * (log - other);
            variation += Math.Abs(probability - Math.Exp(other)) / 2;
            information += probability * log;
        }

        // Rounding may leave a little less than nothing.
        return double.IsFinite(divergence)
            ? new(1, Math.Max(0, divergence), Math.Max(0, divergence), variation, variation, Math.Max(0, information))
            : new(1, double.PositiveInfinity, double.PositiveInfinity, double.PositiveInfinity, double.PositiveInfinity, Math.Max(0, information));
    }

    private static double LogSum(ReadOnlySpan<float> logits)
    {
        double maximum = TensorPrimitives.Max(logits), sum = 0;
        foreach (float logit in logits)
            sum += Math.Exp(logit - maximum);
        return maximum + Math.Log(sum);
    }
}
