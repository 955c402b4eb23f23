namespace AsArm.Inference.Gaps;

/// <summary>The distribution of the length of a gap in tokens before its text is looked at, p(N). It is renormalised over the lengths that a gap may have.</summary>
public sealed class LengthPrior
{
    /// <summary>The maximum number of weights.</summary>
    public const int LimitOfWeights = 1_000;

    private readonly Func<int, double> _logWeight;
    private readonly string _name;

    private LengthPrior(string name, Func<int, double> logWeight) => (_name, _logWeight) = (name, logWeight);

    /// <summary>The default: how many tokens words, phrases and ends of sentences have in English text (docs/decisions/0037).</summary>
    public static LengthPrior Learnt { get; } = new("learnt", LearntLengths.LogWeight);

    /// <summary>All lengths alike.</summary>
    public static LengthPrior Flat { get; } = new("flat", _ => 0);

    /// <summary>A Poisson distribution, of lengths from 1.</summary>
    /// <param name="mean">Its mean, positive.</param>
    /// <exception cref="ArgumentOutOfRangeException">Not a positive number.</exception>
    public static LengthPrior Poisson(double mean)
    {
        if (!(mean > 0) || !double.IsFinite(mean))
            throw new ArgumentOutOfRangeException(nameof(mean), mean, "The mean must be a positive number.");
        return new LengthPrior(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"poisson:{mean}"), length => (length * Math.Log(mean)) - LogFactorial(length));
    }

    /// <summary>Given weights.</summary>
    /// <param name="weights">The weight of length i + 1 at i, not negative and not all zero; longer gaps have weight zero.</param>
    /// <exception cref="ArgumentException">A weight is negative or not finite, all are zero, or there are more than <see cref="LimitOfWeights" />.</exception>
    public static LengthPrior Given(IReadOnlyList<double> weights)
    {
        ArgumentNullException.ThrowIfNull(weights);
        double[] copy = [.. weights];
        if (copy.Length > LimitOfWeights || copy.Any(weight => !(weight >= 0) || !double.IsFinite(weight)) || copy.All(weight => weight == 0))
            throw new ArgumentException("The weights must be numbers that are not negative, and not all zero.", nameof(weights));
        return new LengthPrior("given", length => length <= copy.Length ? Math.Log(copy[length - 1]) : double.NegativeInfinity);
    }

    /// <summary>Log-probabilities of lengths, renormalised over them.</summary>
    /// <exception cref="ArgumentException">None of the lengths has a weight.</exception>
    internal double[] LogProbabilities(IReadOnlyList<int> lengths)
    {
        double[] weights = [.. lengths.Select(_logWeight)];
        double total = LogWeights.LogSum(weights);
        return double.IsFinite(total) ? [.. weights.Select(weight => weight - total)]
            : throw new ArgumentException("The prior of lengths excludes every length that the gap may have.", nameof(lengths));
    }

    /// <summary>Returns its name.</summary>
    public override string ToString() => _name;

    private static double LogFactorial(int number)
    {
        double sum = 0;
        for (int factor = 2; factor <= number; factor++)
            sum += Math.Log(factor);
        return sum;
    }
}
