using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using AsArm.Inference.Text;

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
        return new LengthPrior(string.Create(CultureInfo.InvariantCulture, $"poisson:{mean}"), length => (length * Math.Log(mean)) - LogFactorial(length));
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
        return new LengthPrior($"given:{string.Join(',', copy.Select(weight => weight.ToString(CultureInfo.InvariantCulture)))}", length => length <= copy.Length ? Math.Log(copy[length - 1]) : double.NegativeInfinity);
    }

    /// <summary>Reads what <see cref="ToString" /> writes: learnt, flat, poisson:MEAN or given:WEIGHT,WEIGHT,...</summary>
    /// <param name="text">The text; numbers are in the invariant culture.</param>
    /// <param name="prior">The prior; null if the text is not one.</param>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out LengthPrior? prior)
    {
        string[] parts = text?.Split(':', 2) ?? [""];
        double[] numbers = parts.Length == 1 ? [] : [.. parts[1].Split(',').Select(number => double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) ? value : double.NaN)];
        bool areWeights = numbers.Length <= LimitOfWeights && numbers.All(number => number >= 0 && double.IsFinite(number)) && numbers.Any(number => number > 0);
        prior = (parts[0], numbers) switch
        {
            ("learnt", []) => Learnt,
            ("flat", []) => Flat,
            ("poisson", [var mean]) when areWeights => Poisson(mean),
            ("given", [_, ..]) when areWeights => Given(numbers),
            _ => null,
        };
        return prior is not null;
    }

    /// <summary>Log-probabilities of lengths, renormalised over them.</summary>
    /// <exception cref="InfillTextException">None of the lengths has a weight.</exception>
    internal double[] LogProbabilities(IReadOnlyList<int> lengths)
    {
        double[] weights = [.. lengths.Select(_logWeight)];
        double total = LogWeights.LogSum(weights);
        return double.IsFinite(total) ? [.. weights.Select(weight => weight - total)]
            : throw new InfillTextException("The prior of lengths excludes every length that the gap may have.");
    }

    /// <summary>Returns its name with its numbers, which <see cref="TryParse" /> reads.</summary>
    public override string ToString() => _name;

    private static double LogFactorial(int number)
    {
        double sum = 0;
        for (int factor = 2; factor <= number; factor++)
            sum += Math.Log(factor);
        return sum;
    }
}
