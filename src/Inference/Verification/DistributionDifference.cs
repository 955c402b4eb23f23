using System.Numerics.Tensors;

namespace AsArm.Inference.Verification;

/// <summary>The divergence of the distributions of a model from recorded ones, over rows of logits.</summary>
/// <param name="Rows">Number of distributions compared.</param>
/// <param name="MeanDivergence">Kullback-Leibler divergence KL(recorded, model) in nats, the mean over the rows.</param>
/// <param name="WorstDivergence">The largest divergence of a row.</param>
/// <param name="MeanVariation">Total variation distance, half the sum of absolute differences of probabilities (0 to 1), the mean over the rows.</param>
/// <param name="WorstVariation">The largest distance of a row.</param>
/// <param name="Information">KL(recorded, uniform) in nats, the mean over the rows: how far the recorded distributions are from uniform.</param>
/// <remarks>Divergences and variations are infinite where a logit of the model is NaN.</remarks>
internal sealed record DistributionDifference(
    int Rows, double MeanDivergence, double WorstDivergence, double MeanVariation, double WorstVariation, double Information)
{
    /// <summary>The mean divergence as a share of <see cref="Information" />: 0 for equal distributions, 1 for a model with uniform ones.
    /// It detects a wrong model even where all distributions are nearly uniform, as those of random weights are.</summary>
    public double RelativeDivergence => Information > 0 ? MeanDivergence / Information : MeanDivergence > 0 ? double.PositiveInfinity : 0;

    /// <summary>Compares rows of logits.</summary>
    /// <param name="logits">[rows, vocabulary] logits of the model.</param>
    /// <param name="recorded">[rows, vocabulary] recorded logits.</param>
    /// <param name="vocabulary">V.</param>
    internal static DistributionDifference Of(ReadOnlySpan<float> logits, ReadOnlySpan<float> recorded, int vocabulary)
    {
        var rows = new List<DistributionDifference>();
        for (int start = 0; start < recorded.Length; start += vocabulary)
            rows.Add(OfRow(logits.Slice(start, vocabulary), recorded.Slice(start, vocabulary)));
        return Over(rows);
    }

    /// <summary>The difference over all rows of one or more comparisons.</summary>
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
        double rowTotal = LogSumExp(row), recordedTotal = LogSumExp(recorded);
        double divergence = 0, variation = 0, information = Math.Log(recorded.Length);
        for (int token = 0; token < recorded.Length; token++)
        {
            double log = recorded[token] - recordedTotal, other = row[token] - rowTotal, probability = Math.Exp(log);
            divergence += probability * (log - other);
            variation += Math.Abs(probability - Math.Exp(other)) / 2;
            information += probability * log;
        }

        // Rounding may give a slightly negative value.
        return double.IsFinite(divergence)
            ? new(1, Math.Max(0, divergence), Math.Max(0, divergence), variation, variation, Math.Max(0, information))
            : new(1, double.PositiveInfinity, double.PositiveInfinity, double.PositiveInfinity, double.PositiveInfinity, Math.Max(0, information));
    }

    private static double LogSumExp(ReadOnlySpan<float> logits)
    {
        double maximum = TensorPrimitives.Max(logits), sum = 0;
        foreach (float logit in logits)
            sum += Math.Exp(logit - maximum);
        return maximum + Math.Log(sum);
    }
}
