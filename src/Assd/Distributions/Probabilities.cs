using System.Numerics.Tensors;

namespace AsArm.Assd.Distributions;

/// <summary>
/// Distributions over the vocabulary as float32 vectors [V]. Minus infinity is a logit of probability zero. The random number is an
/// argument, so that every branch can be reached by a test.
/// </summary>
public static class Probabilities
{
    private const int BlockSize = 256;

    /// <summary>Logits to probabilities in place: exp(x - max) over its sum. Needs one finite logit, no NaN, no plus infinity.</summary>
    /// <exception cref="ArgumentException">No logit at all.</exception>
    public static void Softmax(Span<float> logits) => Softmax(logits, logits);

    /// <summary>Logits [V] to probabilities [V] in another place, which is the same work.</summary>
    /// <inheritdoc cref="Softmax(Span{float})" />
    public static void Softmax(ReadOnlySpan<float> logits, Span<float> probabilities)
    {
        TensorPrimitives.Subtract(logits, TensorPrimitives.Max(logits), probabilities);
        TensorPrimitives.Exp<float>(probabilities, probabilities);
        double total = TotalWeight(probabilities); // in blocks, as one float32 sum loses 4e-5 without vectors
        TensorPrimitives.Divide(probabilities, (float)total, probabilities);
    }

    /// <summary>Natural log-probability of a token under logits [V]; exact where the probability itself would underflow.</summary>
    /// <param name="logits">[V], not changed.</param>
    /// <param name="token">A token of the vocabulary.</param>
    /// <param name="scratch">[V] room to work in.</param>
    /// <exception cref="ArgumentException">No logit at all.</exception>
    public static double LogProbability(ReadOnlySpan<float> logits, int token, Span<float> scratch)
    {
        scratch = scratch[..logits.Length];
        float maximum = TensorPrimitives.Max(logits);
        TensorPrimitives.Subtract(logits, maximum, scratch);
        double shifted = scratch[token];
        TensorPrimitives.Exp<float>(scratch, scratch);
        return shifted - Math.Log(TotalWeight(scratch));
    }

    /// <summary>
    /// Draws an index with probability proportional to its weight, by inverting the cumulative sum. Never an index of weight zero.
    /// </summary>
    /// <param name="weights">[V] non-negative, at least one positive; need not sum to one.</param>
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
        return last >= 0 ? last : throw new ArgumentException("There is nothing to draw: no weight is positive.", nameof(weights));
    }

    /// <summary>The sum, float32 within blocks and float64 across them; the same rounding as <see cref="Sample" />.</summary>
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

        // The block's sum was rounded up past its terms: the last index that can be drawn.
        return block.LastIndexOfAnyExcept(0f);
    }
}
