using System.Globalization;

namespace AsArm.Cli.Bench;

/// <summary>A ratio of two rates that were observed in pairs, or a mean, with its interval.</summary>
/// <param name="Value">The ratio; NaN where there is none.</param>
/// <param name="Error">Half the width of its 95 % interval; NaN for a single pair.</param>
internal readonly record struct PairedRatio(double Value, double Error)
{
    /// <summary>
    /// Rates are sums over sums. The error is by linearisation: what each pair adds to the logarithm of the ratio, with Student's
    /// quantile for as many pairs.
    /// </summary>
    /// <param name="pairs">Numerator and denominator of the one rate and of the other, for each pair.</param>
    public static PairedRatio Of(IReadOnlyList<((double Above, double Below) Discounted, (double Above, double Below) Other)> pairs)
    {
        double ownAbove = pairs.Sum(pair => pair.Discounted.Above), ownBelow = pairs.Sum(pair => pair.Discounted.Below);
        double otherAbove = pairs.Sum(pair => pair.Other.Above), otherBelow = pairs.Sum(pair => pair.Other.Below);
        double ratio = ownAbove / ownBelow / (otherAbove / otherBelow);
        double squares = pairs.Sum(pair => Math.Pow(
            pair.Discounted.Above / ownAbove - pair.Discounted.Below / ownBelow - pair.Other.Above / otherAbove + pair.Other.Below / otherBelow, 2));
        int freedom = pairs.Count - 1;
        return new(ratio, freedom < 1 ? double.NaN : Quantile(freedom) * ratio * Math.Sqrt(squares * pairs.Count / freedom));
    }

    public override string ToString()
    {
        if (double.IsNaN(Value))
            return "-";
        string value = Value.ToString("0.00", CultureInfo.InvariantCulture);
        bool hasError = Error > 1e-9; // not the ratio of a thing to itself, or of one pair
        return hasError ? $"{value} ± {Error.ToString("0.00", CultureInfo.InvariantCulture)}" : value;
    }

    /// <summary>A mean with the half-width of its 95 % interval.</summary>
    public static PairedRatio Mean(IReadOnlyList<double> values)
    {
        double mean = values.Average();
        int freedom = values.Count - 1;
        double variance = values.Sum(value => Math.Pow(value - mean, 2)) / freedom;
        return new(mean, freedom < 1 ? double.NaN : Quantile(freedom) * Math.Sqrt(variance / values.Count));
    }

    /// <summary>Student's 97.5 % quantile to 1 % from two degrees of freedom on (Abramowitz and Stegun 26.7.5 at z = 1.96).</summary>
    private static double Quantile(int freedom)
    {
        double inverse = 1.0 / freedom;
        return 1.96 + inverse * (2.372 + inverse * (2.822 + inverse * (2.555 + inverse * 1.59)));
    }
}
