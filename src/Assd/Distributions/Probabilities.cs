using System.Numerics.Tensors;

namespace AsArm.Assd.Distributions;

/// <summary>
/// Softmax, log-probabilities and sampling over a vocabulary, with float32 vectors [V]. A logit of minus infinity has probability zero.
/// Random numbers are arguments, so that tests reach every branch.
/// </summary>
public static class Probabilities
{
    private const int BlockSize = 256;

    /// <summary>
    /// Replaces logits by probabilities: exp(x - max), divided by its sum. At least one logit must be finite, none NaN or plus infinity.
    /// </summary>
    /// <exception cref="ArgumentException">There are no logits.</exception>
    public static void Softmax(Span<float> logits) => Softmax(logits, logits);

    /// <summary>Writes the probabilities [V] of logits [V], which are not changed.</summary>
    /// <inheritdoc cref="Softmax(Span{float})" />
    public static void Softmax(ReadOnlySpan<float> logits, Span<float> probabilities)
    {
        TensorPrimitives.Subtract(logits, TensorPrimitives.Max(logits), probabilities);
        TensorPrimitives.Exp<float>(probabilities, probabilities);
        double total = TotalWeight(probabilities); // in blocks: one scalar float32 sum has an error of 4e-5
        TensorPrimitives.Divide(probabilities, (float)total, probabilities);
    }

    /// <summary>Natural log-probability of a token under logits [V]; exact where the probability itself would underflow.</summary>
    /// <param name="logits">[V], not changed.</param>
    /// <param name="token">A token of the vocabulary.</param>
    /// <param name="scratch">[V] or longer, overwritten.</param>
    /// <exception cref="ArgumentException">There are no logits.</exception>
    public static double LogProbability(ReadOnlySpan<float> logits, int token, Span<float> scratch)
    {
        scratch = scratch[..logits.Length];
        float maximum = TensorPrimitives.Max(logits);
        TensorPrimitives.Subtract(logits, maximum, scratch);
        double shifted = scratch[token];
        TensorPrimitives.Exp<float>(scratch, scratch);
        return shifted - Math.Log(TotalWeight(scratch));
    }

    /// <summary>The logarithm of the sum of exp(x) of logits [V]; minus infinity if all of them are.</summary>
    internal static double LogTotal(ReadOnlySpan<float> logits)
    {
        double maximum = TensorPrimitives.Max(logits), sum = 0;
        if (double.IsNegativeInfinity(maximum))
            return maximum;
        foreach (double logit in logits)
            sum += Math.Exp(logit - maximum);
        return maximum + Math.Log(sum);
    }

    /// <summary>The entropy of a distribution in nats, the sum of -p ln p.</summary>
    /// <param name="probabilities">[V]</param>
    public static double Entropy(ReadOnlySpan<float> probabilities)
    {
        double sum = 0;
        foreach (double probability in probabilities)
        {
            if (probability > 0)
                sum -= probability * Math.Log(probability);
        }

        return sum;
    }

    /// <summary>
    /// Draws an index with probability proportional to its weight, by inverting the cumulative sum. Never returns an index of weight zero.
    /// </summary>
    /// <param name="weights">[V], not negative, at least one positive; need not sum to one.</param>
    /// <param name="uniform">Uniform in [0, 1).</param>
    /// <exception cref="ArgumentException">No weight is positive.</exception>
    public static int Sample(ReadOnlySpan<float> weights, double uniform)
    {
        double goal = uniform * TotalWeight(weights);
        double before = 0;
        for (int start = 0; start < weights.Length; start += BlockSize)
        {
            ReadOnlySpan<float> block = weights.Slice(start, Math.Min(BlockSize, weights.Length - start));
            double sum = TensorPrimitives.Sum(block);
            if (before + sum > goal)
                return start + SampleBlock(block, goal - before);
            before += sum;
        }

        int last = weights.LastIndexOfAnyExcept(0f);
        return last >= 0 ? last : throw new ArgumentException("No weight is positive.", nameof(weights));
    }

    /// <summary>The sum of the weights, in float32 within blocks and float64 across them; rounds as <see cref="Sample" /> does.</summary>
    internal static double TotalWeight(ReadOnlySpan<float> weights)
    {
        double total = 0;
        for (int start = 0; start < weights.Length; start += BlockSize)
            total += TensorPrimitives.Sum(weights.Slice(start, Math.Min(BlockSize, weights.Length - start)));
        return total;
    }

    private static int SampleBlock(ReadOnlySpan<float> block, double goal)
    {
        double cumulative = 0;
        for (int index = 0; index < block.Length; index++)
        {
            cumulative += block[index];
            if (cumulative > goal)
                return index;
        }

        // The vector sum of the block was rounded above its scalar sum: return the last index of positive weight.
        return block.LastIndexOfAnyExcept(0f);
    }
}
