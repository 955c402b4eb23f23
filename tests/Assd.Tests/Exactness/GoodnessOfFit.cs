namespace AsArm.Assd.Tests.Exactness;

/// <summary>Pearson's chi-square test and total variation of counts against a distribution.</summary>
internal static class GoodnessOfFit
{
    /// <summary>Cells with a smaller expected count are pooled, as the chi-square approximation requires.</summary>
    private const double MinExpectedCount = 5;

    public static GoodnessOfFitResult Compare(ReadOnlySpan<int> counts, ReadOnlySpan<double> distribution)
    {
        double samples = 0;
        foreach (int count in counts)
            samples += count;
        double statistic = 0, variation = 0, perfect = 0, pooledCount = 0, pooledExpected = 0;
        int cells = 0;
        for (int i = 0; i < distribution.Length; i++)
        {
            double expected = distribution[i] * samples;
            variation += Math.Abs(counts[i] - expected) / samples / 2;
            perfect += Math.Sqrt(distribution[i] * (1 - distribution[i]) / (2 * Math.PI * samples));
            if (expected == 0 && counts[i] > 0)
                statistic = double.PositiveInfinity;
            if (expected < MinExpectedCount)
            {
                pooledCount += counts[i];
                pooledExpected += expected;
                continue;
            }

            cells++;
            statistic += (counts[i] - expected) * (counts[i] - expected) / expected;
        }

        if (pooledExpected > 0)
        {
            cells++;
            statistic += (pooledCount - pooledExpected) * (pooledCount - pooledExpected) / pooledExpected;
        }

        return new(SpecialFunctions.ChiSquareTail(statistic, cells - 1), variation, perfect);
    }
}
