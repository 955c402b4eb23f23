using System.Runtime.InteropServices;

namespace AsArm.Assd.Ngrams;

/// <summary>
/// Reads the sections of an n-gram table (docs/ngrams-format.md). Everything that look-ups rely on is checked, header, sizes, offsets and
/// the order of tokens, so that a damaged file cannot lead to wrong indices.
/// </summary>
internal static class NgramFormat
{
    public const int MaxOrder = 4;

    private const int Version = 1;
    private const int HeaderSize = 36;
    private const int MaxVocabularySize = 1 << 16;

    private static ReadOnlySpan<byte> Magic => "AsArmNgr"u8;

    public static NgramLevel[] Read(ReadOnlyMemory<byte> file, out int vocabularySize)
    {
        Require(BitConverter.IsLittleEndian, "n-gram tables can be read on little-endian machines only");
        Require(file.Length >= HeaderSize && file.Span[..Magic.Length].SequenceEqual(Magic), "these bytes are not an n-gram table");
        ReadOnlySpan<uint> header = MemoryMarshal.Cast<byte, uint>(file.Span[Magic.Length..HeaderSize]);
        Require(header[0] == Version, $"an n-gram table of version {header[0]}, this program reads version {Version}");
        uint order = header[2];
        Require(header[1] is > 0 and <= MaxVocabularySize && order is > 0 and <= MaxOrder, "an n-gram table of an impossible size");
        vocabularySize = (int)header[1];
        Require(header[3] == vocabularySize, "an n-gram table whose number of unigrams is not its vocabulary size");
        Require(!header[(3 + (int)order)..].ContainsAnyExcept(0u), "an n-gram table with n-grams above its order");
        var levels = new NgramLevel[order];
        int position = HeaderSize;
        for (int i = 0; i < levels.Length; i++)
        {
            long ngrams = header[3 + i];
            bool last = i == levels.Length - 1;
            ReadOnlyMemory<byte> tokens = i == 0 ? default : Take(file, ref position, 2 * ngrams);
            ReadOnlyMemory<byte> discounted = Take(file, ref position, ngrams);
            ReadOnlyMemory<byte> backoffWeights = last ? default : Take(file, ref position, ngrams);
            ReadOnlyMemory<byte> offsets = last ? default : Take(file, ref position, 4 * (ngrams + 1));
            levels[i] = new(tokens, discounted, backoffWeights, offsets);
            if (i > 0)
                Check(levels[i - 1].Offsets, levels[i].Tokens, vocabularySize);
        }

        Require(position == file.Length, $"an n-gram table of {position} bytes in a file of {file.Length}");
        return levels;
    }

    /// <summary>Returns the next section, which is padded to a multiple of four bytes.</summary>
    private static ReadOnlyMemory<byte> Take(ReadOnlyMemory<byte> file, ref int position, long bytes)
    {
        long end = position + (bytes + 3) / 4 * 4;
        Require(end <= file.Length, $"an n-gram table that ends too early, after {file.Length} bytes");
        ReadOnlyMemory<byte> section = file.Slice(position, (int)bytes);
        position = (int)end;
        return section;
    }

    /// <summary>Checks that the ranges of all contexts are adjacent, and that tokens ascend within each range.</summary>
    private static void Check(ReadOnlySpan<uint> offsets, ReadOnlySpan<ushort> tokens, int vocabularySize)
    {
        Require(offsets[0] == 0 && offsets[^1] == tokens.Length, "an n-gram table whose offsets do not span its n-grams");
        for (int context = 0; context < offsets.Length - 1; context++)
        {
            uint start = offsets[context], end = offsets[context + 1];
            Require(start <= end && end <= tokens.Length, "an n-gram table whose offsets do not ascend");
            int before = -1;
            foreach (ushort token in tokens[(int)start..(int)end])
            {
                Require(token > before && token < vocabularySize, "an n-gram table whose tokens are out of order or out of the vocabulary");
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
