namespace AsArm.Benchmarks.Statistics;

/// <summary>How much there was for what it took: tokens for forward passes, tokens for milliseconds.</summary>
/// <param name="Amount">The numerator.</param>
/// <param name="Cost">The denominator.</param>
public readonly record struct Rate(double Amount, double Cost)
{
    /// <summary>Amount by cost; NaN or infinite without a cost.</summary>
    public double Value => Amount / Cost;

    /// <summary>Both summed.</summary>
    public static Rate Sum(IEnumerable<Rate> rates)
    {
        ArgumentNullException.ThrowIfNull(rates);
        return rates.Aggregate(default(Rate), (sum, one) => new(sum.Amount + one.Amount, sum.Cost + one.Cost));
    }
}
