using AsArm.Assd.Distributions;

namespace AsArm.Assd.Tests.Exactness;

/// <summary>Reference implementation of the formulas of the library: scalar, in float64, naive.</summary>
internal static class ReferenceMath
{
    public static double[] Softmax(ReadOnlySpan<double> logits)
    {
        double maximum = double.NegativeInfinity;
        foreach (double logit in logits)
            maximum = Math.Max(maximum, logit);
        var result = new double[logits.Length];
        double sum = 0;
        for (int i = 0; i < result.Length; i++)
            sum += result[i] = Math.Exp(logits[i] - maximum);
        for (int i = 0; i < result.Length; i++)
            result[i] /= sum;
        return result;
    }

    public static double LogProbability(ReadOnlySpan<double> logits, int token)
    {
        double maximum = double.NegativeInfinity;
        foreach (double logit in logits)
            maximum = Math.Max(maximum, logit);
        double sum = 0;
        foreach (double logit in logits)
            sum += Math.Exp(logit - maximum);
        return logits[token] - maximum - Math.Log(sum);
    }

    /// <summary>
    /// Biases, bans, temperature, top-k, top-p; of equal tokens the lower comes first. At temperature 0 the most probable token has probability 1.
    /// </summary>
    public static double[] Distribution(ReadOnlySpan<float> logits, SamplingOptions options, int position = -1)
    {
        double[] processed = ToDouble(logits);
        foreach ((int token, double bias) in options.LogitBias)
            processed[token] += bias;
        foreach (int token in options.BannedTokens.Concat(BannedAt(options, position)))
            processed[token] = double.NegativeInfinity;
        double maximum = processed.Max();
        if (options.Temperature == 0)
        {
            int mode = Array.IndexOf(processed, maximum);
            return [.. processed.Select((_, token) => token == mode ? 1.0 : 0)];
        }

        for (int i = 0; i < processed.Length; i++)
            processed[i] = (processed[i] - maximum) / options.Temperature;
        int[] descending = [.. Enumerable.Range(0, processed.Length).OrderByDescending(i => processed[i]).ThenBy(i => i)];
        foreach (int token in descending.Skip(options.TopK ?? processed.Length))
            processed[token] = double.NegativeInfinity;
        double[] distribution = Softmax(processed);
        if (options.TopP is not double p)
            return distribution;
        double mass = 0;
        foreach (int token in descending)
        {
            double before = mass;
            mass += distribution[token];
            if (before >= p)
                processed[token] = double.NegativeInfinity;
        }

        return Softmax(processed);
    }

    /// <summary>The tokens banned at one position.</summary>
    public static int[] BannedAt(SamplingOptions options, int position) =>
        options.BannedTokensAt.TryGetValue(position, out TokenSet? banned) ? banned.Tokens.ToArray() : [];

    /// <summary>The index that inverts the cumulative sum.</summary>
    public static int Sample(ReadOnlySpan<double> weights, double uniform)
    {
        double total = 0;
        foreach (double weight in weights)
            total += weight;
        double goal = uniform * total, cumulative = 0;
        int last = -1;
        for (int i = 0; i < weights.Length; i++)
        {
            if (weights[i] == 0)
                continue;
            last = i;
            cumulative += weights[i];
            if (cumulative > goal)
                break;
        }

        return last;
    }

    public static double[] ToDouble(ReadOnlySpan<float> values)
    {
        var result = new double[values.Length];
        for (int i = 0; i < result.Length; i++)
            result[i] = values[i];
        return result;
    }
}
