using AsArm.Assd.Ngrams;
using AsArm.Assd.Randomness;

namespace AsArm.Assd.Tests.Support;

/// <summary>Writes n-gram tables as docs/ngrams-format.md has them: random ones, or of given grams.</summary>
internal static class NgramBytes
{
    private static readonly Dictionary<(int, int), NgramTable> _tables = [];

    /// <summary>Every token alone, and after each listed gram a random choice of tokens.</summary>
    /// <param name="vocabularySize">V.</param>
    /// <param name="order">1 to 4.</param>
    /// <param name="rate">The share of tokens listed after a context.</param>
    /// <param name="seed">Another seed, another table.</param>
    public static byte[] Random(int vocabularySize, int order, double rate, long seed)
    {
        var random = new SplitMix64(seed);
        var grams = new List<(int[] Tokens, byte Discounted, byte BackoffWeight)>[order];
        grams[0] = [.. Enumerable.Range(0, vocabularySize).Select(token => (new int[] { token }, Code(random), Code(random)))];
        for (int level = 1; level < order; level++)
        {
            grams[level] = [];
            foreach ((int[] context, _, _) in grams[level - 1])
            {
                for (int token = 0; token < vocabularySize; token++)
                {
                    if (random.NextDouble() < rate)
                        grams[level].Add(([.. context, token], Code(random), Code(random)));
                }
            }
        }

        return Write(vocabularySize, grams);
    }

    /// <summary>A random table that stays the same for a vocabulary.</summary>
    public static NgramTable Table(int vocabularySize, int order)
    {
        lock (_tables)
        {
            if (!_tables.TryGetValue((vocabularySize, order), out NgramTable? table))
            {
                double rate = Math.Min(0.6, 12.0 / vocabularySize);
                _tables[(vocabularySize, order)] = table = NgramTable.Open(Random(vocabularySize, order, rate, order));
            }

            return table;
        }
    }

    /// <param name="vocabularySize">V.</param>
    /// <param name="grams">By order; each sorted by its tokens, codes for own and passed on.</param>
    public static byte[] Write(int vocabularySize, params IReadOnlyList<(int[] Tokens, byte Discounted, byte BackoffWeight)>[] grams)
    {
        var stream = new MemoryStream();
        var writer = new BinaryWriter(stream);
        writer.Write("AsArmNgr"u8);
        writer.Write(1);
        writer.Write(vocabularySize);
        writer.Write(grams.Length);
        for (int level = 0; level < 4; level++)
            writer.Write(level < grams.Length ? grams[level].Count : 0);
        for (int level = 0; level < grams.Length; level++)
        {
            if (level > 0)
                Section(writer, grams[level].Select(gram => (ushort)gram.Tokens[^1]), writer.Write);
            Section(writer, grams[level].Select(gram => gram.Discounted), writer.Write);
            if (level + 1 == grams.Length)
                continue;
            Section(writer, grams[level].Select(gram => gram.BackoffWeight), writer.Write);
            Section(writer, Offsets(grams[level], grams[level + 1]), writer.Write);
        }

        return stream.ToArray();
    }

    private static IEnumerable<uint> Offsets(
        IReadOnlyList<(int[] Tokens, byte Discounted, byte BackoffWeight)> contexts, IReadOnlyList<(int[] Tokens, byte Discounted, byte BackoffWeight)> grams)
    {
        int place = 0;
        yield return 0;
        foreach ((int[] context, _, _) in contexts)
        {
            while (place < grams.Count && grams[place].Tokens.AsSpan()[..^1].SequenceEqual(context))
                place++;
            yield return (uint)place;
        }
    }

    private static void Section<T>(BinaryWriter writer, IEnumerable<T> values, Action<T> write)
    {
        foreach (T value in values)
            write(value);
        while (writer.BaseStream.Position % 4 != 0)
            writer.Write((byte)0);
    }

    private static byte Code(IRandomSource random) => (byte)(random.NextDouble() < 0.05 ? 255 : random.Next(1, 12));
}
