namespace AsArm.Inference.Gaps;

/// <summary>Weights as natural logarithms.</summary>
internal static class LogWeights
{
    /// <summary>The logarithm of the sum of the weights; minus infinity if all are zero.</summary>
    public static double LogSum(IReadOnlyCollection<double> logs)
    {
        double maximum = logs.Count == 0 ? double.NegativeInfinity : logs.Max();
        return double.IsFinite(maximum) ? maximum + Math.Log(logs.Sum(log => Math.Exp(log - maximum))) : maximum;
    }

    /// <summary>The weights, normalised to a sum of 1.</summary>
    public static double[] Normalise(IReadOnlyCollection<double> logs)
    {
        double total = LogSum(logs);
        return [.. logs.Select(log => Math.Exp(log - total))];
    }

    /// <summary>Draws an index in proportion to its probability; never one of probability zero.</summary>
    /// <param name="probabilities">At least one is positive; their sum is 1 up to rounding.</param>
    /// <param name="uniform">Uniform in [0, 1).</param>
    public static int Sample(IReadOnlyList<double> probabilities, double uniform)
    {
        double goal = uniform * probabilities.Sum(), before = 0;
        int last = -1;
        for (int i = 0; i < probabilities.Count; i++)
        {
            if (probabilities[i] <= 0)
                continue;
            last = i;
            before += probabilities[i];
            if (before > goal)
                break;
        }

        return last >= 0 ? last : throw new ArgumentException("No probability is positive.", nameof(probabilities));
    }
}
