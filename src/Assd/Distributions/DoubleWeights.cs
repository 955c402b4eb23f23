using System.Numerics.Tensors;

namespace AsArm.Assd.Distributions;

/// <summary>
/// Draws from unnormalised weights with float64 sums, for drafts: acceptance and residual need the exact distribution that was drawn from.
/// </summary>
internal static class DoubleWeights
{
    private const int BlockSize = 256; // blocks are summed with vector instructions; only the block that contains the goal is searched

    /// <summary>The sum of float32 weights [V].</summary>
    public static double Total(ReadOnlySpan<float> weights)
    {
        double total = 0;
        Span<double> buffer = stackalloc double[BlockSize];
        for (int start = 0; start < weights.Length; start += BlockSize)
            total += TensorPrimitives.Sum(Widen(BlockAt(weights, start), buffer));
        return total;
    }

    /// <summary>Inverts the cumulative sum. Never returns an index of weight zero.</summary>
    /// <param name="weights">[V], not negative, at least one positive.</param>
    /// <param name="goal">A random number times the sum.</param>
    public static int Sample(ReadOnlySpan<float> weights, double goal)
    {
        int last = 0;
        Span<double> buffer = stackalloc double[BlockSize];
        for (int start = 0; start < weights.Length; start += BlockSize)
        {
            ReadOnlySpan<double> block = Widen(BlockAt(weights, start), buffer);
            if (ContainsGoal(block, start, ref goal, ref last))
                return start + Find(block, goal);
        }

        return last + Find(Widen(BlockAt(weights, last), buffer), double.PositiveInfinity);
    }

    /// <inheritdoc cref="Sample(ReadOnlySpan{float}, double)" />
    public static int Sample(ReadOnlySpan<double> weights, double goal)
    {
        int last = 0;
        for (int start = 0; start < weights.Length; start += BlockSize)
        {
            if (ContainsGoal(BlockAt(weights, start), start, ref goal, ref last))
                return start + Find(BlockAt(weights, start), goal);
        }

        return last + Find(BlockAt(weights, last), double.PositiveInfinity);
    }

    private static ReadOnlySpan<T> BlockAt<T>(ReadOnlySpan<T> weights, int start) => weights.Slice(start, Math.Min(BlockSize, weights.Length - start));

    private static ReadOnlySpan<double> Widen(ReadOnlySpan<float> block, Span<double> buffer)
    {
        TensorPrimitives.ConvertTruncating(block, buffer);
        return buffer[..block.Length];
    }

    /// <summary>Whether the goal lies within a block; if not, the sum of the block is subtracted from it.</summary>
    private static bool ContainsGoal(ReadOnlySpan<double> block, int start, ref double goal, ref int last)
    {
        double sum = TensorPrimitives.Sum(block);
        if (sum == 0)
            return false;
        last = start;
        if (sum > goal)
            return true;
        goal -= sum;
        return false;
    }

    /// <summary>The first index at which the cumulative sum exceeds the goal, or the last index with a positive weight.</summary>
    private static int Find(ReadOnlySpan<double> block, double goal)
    {
        double cumulative = 0;
        int last = 0;
        for (int i = 0; i < block.Length; i++)
        {
            if (block[i] == 0)
                continue;
            last = i;
            cumulative += block[i];
            if (cumulative > goal)
                break;
        }

        return last;
    }
}
