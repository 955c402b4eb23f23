using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;

namespace AsArm.Perf.Cache;

/// <summary>Sequences for measurements: random tokens, one gap in the middle.</summary>
internal static class Sequences
{
    /// <summary>[length] given but for a gap of <paramref name="targets" /> in the middle.</summary>
    public static Order WithGap(int length, int targets)
    {
        var given = new bool[length];
        given.AsSpan().Fill(true);
        given.AsSpan((length - targets) / 2, targets).Clear();
        return Order.LeftToRight(given);
    }

    /// <summary>[length] tokens that are no special ones.</summary>
    public static int[] Tokens(int length, int vocabularySize, long seed)
    {
        var random = new SplitMix64(seed);
        return [.. Enumerable.Range(0, length).Select(_ => 10 + (int)(random.NextDouble() * (vocabularySize - 10)))];
    }
}
