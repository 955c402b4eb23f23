using AsArm.Assd.Ngrams;
using AsArm.Assd.Randomness;

namespace AsArm.Assd.Tests.Support;

/// <summary>Writes n-ngram tables (docs/ngrams-format.md): random ones, or of given n-ngrams.</summary>
internal static class NgramBytes
{
    private static readonly Dictionary<(int, int), NgramTable> _tables = [];

    /// <summary>All unigrams, and after each listed n-ngram a random choice of tokens.</summary>
    /// <param name="vocabularySize">V.</param>
    /// <param name="order">1 to 4.</param>
    /// <param name="rate">The fraction of tokens listed after a context.</param>
    /// <param name="seed">Selects the table.</param>
    public static byte[] Random(int vocabularySize, int order, double rate, long seed)
    {
        var random = new SplitMix64(seed);
        var ngrams = new List<(int[] Tokens, byte Discounted, byte BackoffWeight)>[order];
        ngrams[0] = [.. Enumerable.Range(0, vocabularySize).Select(token => (new int[] { token }, Code(random), Code(random)))];
        for (int level = 1; level < order; level++)
        {
            ngrams[level] = [];
            foreach ((int[] context, _, _) in ngrams[level - 1])
            {
                for (int token = Gap(random, rate); token < vocabularySize; token += 1 + Gap(random, rate))
                    ngrams[level].Add(([.. context, token], Code(random), Code(random)));
            }
        }

        return Write(vocabularySize, ngrams);
    }

    /// <summary>The random table for a vocabulary size and order, always the same.</summary>
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
    /// <param name="ngrams">By order; each sorted by its tokens, with the codes of discounted probability and backoff weight.</param>
    public static byte[] Write(int vocabularySize, params IReadOnlyList<(int[] Tokens, byte Discounted, byte BackoffWeight)>[] ngrams)
    {
        var stream = new MemoryStream();
        var writer = new BinaryWriter(stream);
        writer.Write("AsArmNgr"u8);
        writer.Write(1);
        writer.Write(vocabularySize);
        writer.Write(ngrams.Length);
        for (int level = 0; level < 4; level++)
            writer.Write(level < ngrams.Length ? ngrams[level].Count : 0);
        for (int level = 0; level < ngrams.Length; level++)
        {
            if (level > 0)
                Section(writer, ngrams[level].Select(ngram => (ushort)ngram.Tokens[^1]), writer.Write);
            Section(writer, ngrams[level].Select(ngram => ngram.Discounted), writer.Write);
            if (level + 1 == ngrams.Length)
                continue;
            Section(writer, ngrams[level].Select(ngram => ngram.BackoffWeight), writer.Write);
            Section(writer, Offsets(ngrams[level], ngrams[level + 1]), writer.Write);
        }

        return stream.ToArray();
    }

    private static IEnumerable<uint> Offsets(
        IReadOnlyList<(int[] Tokens, byte Discounted, byte BackoffWeight)> contexts, IReadOnlyList<(int[] Tokens, byte Discounted, byte BackoffWeight)> ngrams)
    {
        int index = 0;
        yield return 0;
        foreach ((int[] context, _, _) in contexts)
        {
            while (index < ngrams.Count && ngrams[index].Tokens.AsSpan()[..^1].SequenceEqual(context))
                index++;
            yield return (uint)index;
        }
    }

    private static void Section<T>(BinaryWriter writer, IEnumerable<T> values, Action<T> write)
    {
        foreach (T value in values)
            write(value);
        while (writer.BaseStream.Position % 4 != 0)
            writer.Write((byte)0);
    }

    /// <summary>The tokens left out before the next one that is listed: a geometric number, as a draw for each token would give.</summary>
    private static int Gap(IRandomSource random, double rate) =>
        rate >= 1 ? 0 : (int)Math.Min(int.MaxValue / 2, Math.Log(1 - random.NextDouble()) / Math.Log(1 - rate));

    private static byte Code(IRandomSource random) => (byte)(random.NextDouble() < 0.05 ? 255 : random.Next(1, 12));
}
