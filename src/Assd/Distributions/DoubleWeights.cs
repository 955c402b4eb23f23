using System.Numerics.Tensors;

namespace AsArm.Assd.Distributions;

/// <summary>Draws from unnormalised weights with float64 sums, for distributions whose very numbers enter a test.</summary>
internal static class DoubleWeights
{
    private const int BlockSize = 256; // whole blocks are summed with vectors, only the one with the goal is walked through

    /// <summary>The sum of float32 weights [V].</summary>
    public static double Total(ReadOnlySpan<float> weights)
    {
        double total = 0;
        Span<double> room = stackalloc double[BlockSize];
        for (int start = 0; start < weights.Length; start += BlockSize)
            total += TensorPrimitives.Sum(Widen(BlockAt(weights, start), room));
        return total;
    }

    /// <summary>Inverts the cumulative sum; never an index of weight zero, -1 if there is no other.</summary>
    /// <param name="weights">[V] not negative.</param>
    /// <param name="goal">A random number times the sum.</param>
    public static int Sample(ReadOnlySpan<float> weights, double goal)
    {
        int last = -1;
        Span<double> room = stackalloc double[BlockSize];
        for (int start = 0; start < weights.Length; start += BlockSize)
        {
            if (GoesPast(Widen(BlockAt(weights, start), room), start, ref goal, ref last))
                return start + Find(room, goal);
        }

        return last < 0 ? -1 : last + Find(Widen(BlockAt(weights, last), room), double.PositiveInfinity);
    }

    /// <inheritdoc cref="Sample(ReadOnlySpan{float}, double)" />
    public static int Sample(ReadOnlySpan<double> weights, double goal)
    {
        int last = -1;
        for (int start = 0; start < weights.Length; start += BlockSize)
        {
            if (GoesPast(BlockAt(weights, start), start, ref goal, ref last))
                return start + Find(BlockAt(weights, start), goal);
        }

        return last < 0 ? -1 : last + Find(BlockAt(weights, last), double.PositiveInfinity);
    }

    private static ReadOnlySpan<T> BlockAt<T>(ReadOnlySpan<T> weights, int start) => weights.Slice(start, Math.Min(BlockSize, weights.Length - start));

    private static ReadOnlySpan<double> Widen(ReadOnlySpan<float> block, Span<double> room)
    {
        TensorPrimitives.ConvertTruncating(block, room);
        room[block.Length..].Clear();
        return room[..block.Length];
    }

    /// <summary>Whether the goal lies within a block; if not, what is left of it beyond.</summary>
    private static bool GoesPast(ReadOnlySpan<double> block, int start, ref double goal, ref int last)
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

    /// <summary>The index at which the cumulative sum goes past the goal, or the last one with a weight.</summary>
    private static int Find(ReadOnlySpan<double> block, double goal)
    {
        double cumulative = 0;
        int last = -1;
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
