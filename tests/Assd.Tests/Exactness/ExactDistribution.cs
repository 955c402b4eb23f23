namespace AsArm.Assd.Tests.Exactness;

/// <summary>Exact distributions by enumeration, in float64.</summary>
internal static class ExactDistribution
{
    /// <summary>
    /// [V^targets] the joint distribution as the product of the conditionals (i, i): what every exact sampler must draw from.
    /// </summary>
    public static double[] Joint(ReferenceConditionals conditionals)
    {
        var distribution = new double[Outcome.Count(conditionals.TargetCount, conditionals.VocabularySize)];
        var targets = new int[conditionals.TargetCount];
        AddOutcomes(conditionals, targets, 0, 1, distribution);
        return distribution;
    }

    private static void AddOutcomes(ReferenceConditionals conditionals, int[] targets, int known, double probability, double[] distribution)
    {
        if (known == targets.Length)
        {
            distribution[Outcome.Index(targets, conditionals.VocabularySize)] += probability;
            return;
        }

        double[] next = conditionals.Distribution(known, known, targets);
        for (int token = 0; token < next.Length; token++)
        {
            if (next[token] == 0)
                continue;
            targets[known] = token;
            AddOutcomes(conditionals, targets, known + 1, probability * next[token], distribution);
        }
    }
}
