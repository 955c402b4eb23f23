namespace AsArm.Assd.Tests.Exactness;

/// <summary>The chi-square tail, through the regularised incomplete gamma function (Numerical Recipes, section 6.2).</summary>
internal static class SpecialFunctions
{
    private const double Precision = 1e-15;

    /// <summary>Probability that a chi-square variable exceeds the statistic.</summary>
    public static double ChiSquareTail(double statistic, int degreesOfFreedom)
    {
        if (degreesOfFreedom <= 0)
            return double.IsFinite(statistic) ? 1 : 0;
        return UpperGamma(degreesOfFreedom / 2.0, statistic / 2);
    }

    /// <summary>Q(a, x).</summary>
    public static double UpperGamma(double a, double x)
    {
        if (double.IsPositiveInfinity(x))
            return 0;
        if (x <= 0)
            return 1;
        double scale = Math.Exp(-x + a * Math.Log(x) - LogGamma(a));
        return x < a + 1 ? 1 - scale * Series(a, x) : scale * ContinuedFraction(a, x);
    }

    /// <summary>Lanczos' approximation, g = 5.</summary>
    public static double LogGamma(double x)
    {
        ReadOnlySpan<double> coefficients =
        [
            76.18009172947146, -86.50532032941677, 24.01409824083091, -1.231739572450155, 0.1208650973866179e-2, -0.5395239384953e-5,
        ];
        double sum = 1.000000000190015;
        for (int i = 0; i < coefficients.Length; i++)
            sum += coefficients[i] / (x + 1 + i);
        double shifted = x + 5.5;
        return (x + 0.5) * Math.Log(shifted) - shifted + Math.Log(2.5066282746310005 * sum / x);
    }

    private static double Series(double a, double x)
    {
        double term = 1 / a;
        double sum = term;
        for (double n = a + 1; term > sum * Precision; n++)
        {
            term *= x / n;
            sum += term;
        }

        return sum;
    }

    /// <summary>Lentz's method.</summary>
    private static double ContinuedFraction(double a, double x)
    {
        double b = x + 1 - a;
        double c = 1e300;
        double d = 1 / b;
        double value = d;
        for (int i = 1; i < 10_000; i++)
        {
            double numerator = -i * (i - a);
            b += 2;
            d = 1 / (numerator * d + b);
            c = b + numerator / c;
            value *= c * d;
            if (Math.Abs(c * d - 1) < Precision)
                break;
        }

        return value;
    }
}
