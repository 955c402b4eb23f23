namespace AsArm.Assd.Tests.Exactness;

/// <summary>Checks a drawn index against the float64 cumulative sum.</summary>
internal static class SampleAssert
{
    /// <summary>
    /// Checks that the index has a positive weight, and that the random number lies in its interval of the cumulative sum, up to float32
    /// rounding.
    /// </summary>
    public static void Inverts(ReadOnlySpan<double> weights, double uniform, int index)
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
            before - slack <= uniform * total && uniform * total <= before + weights[index] + slack,
            $"Index {index} of {weights.Length} for the random number {uniform}.");
    }
}
