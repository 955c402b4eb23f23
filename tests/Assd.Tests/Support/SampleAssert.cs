namespace AsArm.Assd.Tests;

/// <summary>Checks a drawn index against the float64 cumulative sum.</summary>
internal static class SampleAssert
{
    /// <summary>The index has weight, and the coin falls into its stretch of the cumulative sum, up to float32 rounding.</summary>
    public static void Inverts(ReadOnlySpan<double> weights, double coin, int index)
    {
        double total = 0;
        double before = 0;
        for (int i = 0; i < weights.Length; i++)
        {
            total += weights[i];
            if (i < index)
                before += weights[i];
        }

        Assert.IsGreaterThan(0, weights[index], $"Index {index} of {weights.Length} has no weight.");
        double slack = 1e-5 * total;
        Assert.IsTrue(
            before - slack <= coin * total && coin * total <= before + weights[index] + slack,
            $"Index {index} of {weights.Length} for the coin {coin}.");
    }
}
