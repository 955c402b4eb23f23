using System.Runtime.InteropServices;

namespace AsArm.Assd.Ngrams;

/// <summary>
/// Cuts an n-gram table out of its bytes and checks all that look-ups rely on, so that no damaged file leads them astray:
/// header, sizes, offsets, and the order of tokens. The layout stands in docs/ngrams-format.md.
/// </summary>
internal static class NgramFormat
{
    public const int MaxOrder = 4;

    private const int Version = 1;
    private const int HeaderSize = 36;
    private const int LargestVocabulary = 1 << 16;

    private static ReadOnlySpan<byte> Magic => "AsArmNgr"u8;

    public static NgramLevel[] Read(ReadOnlyMemory<byte> file, out int vocabularySize)
    {
        Require(BitConverter.IsLittleEndian, "n-gram tables are read in place, which needs a little-endian machine");
        Require(file.Length >= HeaderSize && file.Span[..Magic.Length].SequenceEqual(Magic), "these bytes are no n-gram table");
        ReadOnlySpan<uint> header = MemoryMarshal.Cast<byte, uint>(file.Span[Magic.Length..HeaderSize]);
        Require(header[0] == Version, $"an n-gram table of version {header[0]}, this program reads version {Version}");
        uint order = header[2];
        Require(header[1] is > 0 and <= LargestVocabulary && order is > 0 and <= MaxOrder, "an n-gram table of an impossible size");
        vocabularySize = (int)header[1];
        Require(header[3] == vocabularySize, "an n-gram table whose order 1 is not its vocabulary");
        Require(!header[(3 + (int)order)..].ContainsAnyExcept(0u), "an n-gram table that has grams of an order it does not have");
        var levels = new NgramLevel[order];
        int place = HeaderSize;
        for (int i = 0; i < levels.Length; i++)
        {
            long grams = header[3 + i];
            bool last = i == levels.Length - 1;
            ReadOnlyMemory<byte> tokens = i == 0 ? default : Take(file, ref place, 2 * grams);
            ReadOnlyMemory<byte> own = Take(file, ref place, grams);
            ReadOnlyMemory<byte> backoffWeight = last ? default : Take(file, ref place, grams);
            ReadOnlyMemory<byte> offsets = last ? default : Take(file, ref place, 4 * (grams + 1));
            levels[i] = new(tokens, own, backoffWeight, offsets);
            if (i > 0)
                Check(levels[i - 1].Offsets, levels[i].Tokens, vocabularySize);
        }

        Require(place == file.Length, $"an n-gram table of {place} bytes in a file of {file.Length}");
        return levels;
    }

    /// <summary>The next section, padded to a multiple of four bytes.</summary>
    private static ReadOnlyMemory<byte> Take(ReadOnlyMemory<byte> file, ref int place, long bytes)
    {
        long end = place + (bytes + 3) / 4 * 4;
        Require(end <= file.Length, $"an n-gram table that ends too early, after {file.Length} bytes");
        ReadOnlyMemory<byte> section = file.Slice(place, (int)bytes);
        place = (int)end;
        return section;
    }

    /// <summary>The ranges follow each other without gaps, and within each the tokens ascend.</summary>
    private static void Check(ReadOnlySpan<uint> offsets, ReadOnlySpan<ushort> tokens, int vocabularySize)
    {
        Require(offsets[0] == 0 && offsets[^1] == tokens.Length, "an n-gram table whose offsets do not span its grams");
        for (int context = 0; context < offsets.Length - 1; context++)
        {
            uint start = offsets[context], end = offsets[context + 1];
            Require(start <= end && end <= tokens.Length, "an n-gram table whose offsets do not ascend");
            int before = -1;
            foreach (ushort token in tokens[(int)start..(int)end])
            {
                Require(token > before && token < vocabularySize, "an n-gram table whose tokens are out of order or of the vocabulary");
                before = token;
            }
        }
    }

    private static void Require(bool condition, string problem)
    {
        if (!condition)
            throw new NgramTableException(problem);
    }
}
