namespace AsArm.Perf.Results;

/// <summary>A median with an interval that covers the true one with at least 95 %, from the ranks of the values: no distribution is assumed.</summary>
/// <param name="Value">The median.</param>
/// <param name="Lower">Lower end.</param>
/// <param name="Upper">Upper end.</param>
internal sealed record MedianInterval(double Value, double Lower, double Upper)
{
    private const double Outside = 0.025; // on each side

    /// <summary>Of at least six values: with fewer, all of them cover less than 95 %.</summary>
    public static MedianInterval Of(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        ArgumentOutOfRangeException.ThrowIfLessThan(sorted.Length, 6, nameof(values));
        double median = (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
        int rank = LowerRank(sorted.Length);
        return new(median, sorted[rank], sorted[^(rank + 1)]);
    }

    public override string ToString() => $"{Value:F2} ({Lower:F2} to {Upper:F2})";

    /// <summary>The highest index below which the median lies with at most 2.5 %: the number of values below it is binomial.</summary>
    private static int LowerRank(int count)
    {
        double term = Math.Pow(0.5, count), below = term;
        int rank = 0;
        while (below + (term = term * (count - rank) / (rank + 1)) <= Outside)
        {
            below += term;
            rank++;
        }

        return rank;
    }
}
