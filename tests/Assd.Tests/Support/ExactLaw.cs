namespace AsArm.Assd.Tests;

/// <summary>Exact laws by enumeration, in float64.</summary>
internal static class ExactLaw
{
    /// <summary>[V^targets] the sequential product: what every exact sampler must draw from.</summary>
    public static double[] Joint(ReferenceConditionals conditionals)
    {
        var law = new double[Outcome.Count(conditionals.TargetCount, conditionals.VocabularySize)];
        var targets = new int[conditionals.TargetCount];
        Extend(conditionals, targets, 0, 1, law);
        return law;
    }

    private static void Extend(ReferenceConditionals conditionals, int[] targets, int known, double probability, double[] law)
    {
        if (known == targets.Length)
        {
            law[Outcome.Index(targets, conditionals.VocabularySize)] += probability;
            return;
        }

        double[] next = conditionals.Law(known, known, targets);
        for (int token = 0; token < next.Length; token++)
        {
            if (next[token] == 0)
                continue;
            targets[known] = token;
            Extend(conditionals, targets, known + 1, probability * next[token], law);
        }
    }
}
