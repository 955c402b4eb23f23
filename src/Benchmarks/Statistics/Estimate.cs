using System.Globalization;

namespace AsArm.Benchmarks.Statistics;

/// <summary>A mean, or a ratio of two rates, with its 95 % confidence interval.</summary>
/// <param name="Value">The mean or the ratio.</param>
/// <param name="HalfInterval">Half the width of the interval; null for a single observation.</param>
public sealed record Estimate(double Value, double? HalfInterval)
{
    private const double Negligible = 1e-9; // the ratio of a thing to itself

    /// <summary>The mean of independent values.</summary>
    public static Estimate OfMean(IReadOnlyCollection<double> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        double mean = values.Average();
        double squares = values.Sum(value => Math.Pow(value - mean, 2));
        return new(mean, HalfIntervalOf(squares / values.Count, values.Count));
    }

    /// <summary>
    /// The ratio of two rates that were observed in pairs, each a sum over a sum. The interval is by linearisation: what each pair adds to the
    /// logarithm of the ratio.
    /// </summary>
    /// <param name="pairs">Both rates of each pair.</param>
    /// <returns>Null where a rate has no denominator.</returns>
    public static Estimate? OfRatio(IReadOnlyCollection<(Rate Own, Rate Other)> pairs)
    {
        ArgumentNullException.ThrowIfNull(pairs);
        Rate own = Rate.Sum(pairs.Select(pair => pair.Own)), other = Rate.Sum(pairs.Select(pair => pair.Other));
        double ratio = own.Value / other.Value;
        if (!double.IsFinite(ratio))
            return null;
        double squares = pairs.Sum(pair => Math.Pow(
            pair.Own.Amount / own.Amount - pair.Own.Cost / own.Cost - pair.Other.Amount / other.Amount + pair.Other.Cost / other.Cost, 2));
        return new(ratio, ratio * HalfIntervalOf(squares * pairs.Count, pairs.Count));
    }

    /// <summary>"1.42 ± 0.07", or the value alone.</summary>
    public override string ToString()
    {
        string value = Value.ToString("0.00", CultureInfo.InvariantCulture);
        return HalfInterval > Negligible ? $"{value} ± {HalfInterval.Value.ToString("0.00", CultureInfo.InvariantCulture)}" : value;
    }

    /// <param name="variance">Of one observation, with a divisor of <paramref name="count" />.</param>
    /// <param name="count">Observations.</param>
    private static double? HalfIntervalOf(double variance, int count) =>
        count > 1 ? StudentQuantile.Of(count - 1) * Math.Sqrt(variance / (count - 1)) : null;
}
