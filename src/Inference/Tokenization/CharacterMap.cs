using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace AsArm.Inference.Tokenization;

/// <summary>
/// The precompiled_charsmap of a SentencePiece model, which maps character sequences to replacements. Format, little-endian: the length of a
/// double-array trie (darts-clone) in bytes; the trie, whose values are offsets into the rest; the zero-terminated replacements.
/// </summary>
internal sealed class CharacterMap
{
    private readonly uint[] _trie = [];
    private readonly byte[] _replacements = [];

    /// <summary>Reads a character map; an empty one maps nothing.</summary>
    /// <exception cref="InvalidDataException">Lengths are inconsistent, or the replacements are not UTF-8.</exception>
    public CharacterMap(ReadOnlySpan<byte> blob)
    {
        if (blob.IsEmpty)
            return;
        if (blob.Length > TokenizerLimits.CharacterMapBytes)
            throw new InvalidDataException($"the normaliser's character map has {blob.Length} bytes, more than {TokenizerLimits.CharacterMapBytes}");
        uint size = blob.Length < sizeof(uint) ? uint.MaxValue : BinaryPrimitives.ReadUInt32LittleEndian(blob);
        if (size == 0 || size % sizeof(uint) != 0 || size > blob.Length - sizeof(uint))
            throw new InvalidDataException("the normaliser's character map is damaged");
        _trie = MemoryMarshal.Cast<byte, uint>(blob.Slice(sizeof(uint), (int)size)).ToArray();
        _replacements = blob[(sizeof(uint) + (int)size)..].ToArray();
        if (!System.Text.Unicode.Utf8.IsValid(_replacements)) // later steps rely on complete characters
            throw new InvalidDataException("the normaliser's character map has replacements that are no UTF-8");
        RequireShortReplacements();
        if (!BitConverter.IsLittleEndian)
            BinaryPrimitives.ReverseEndianness(_trie, _trie);
    }

    /// <summary>Finds the longest prefix of a text that the map contains.</summary>
    /// <param name="text">UTF-8.</param>
    /// <param name="replacement">UTF-8, may be empty.</param>
    /// <param name="shortest">Finds the shortest prefix instead.</param>
    /// <returns>Length of the prefix in bytes; 0 if there is none.</returns>
    public int Replace(ReadOnlySpan<byte> text, out ReadOnlySpan<byte> replacement, bool shortest = false)
    {
        int longest = 0;
        uint value = 0;
        if (_trie.Length > 0)
        {
            uint node = Offset(_trie[0]);
            for (int i = 0; i < text.Length && !(shortest && longest > 0); i++)
            {
                node ^= text[i];
                if (node >= (uint)_trie.Length || Label(_trie[node]) != text[i])
                    break;
                bool isEnd = (_trie[node] >> 8 & 1) != 0;
                node ^= Offset(_trie[node]);
                if (isEnd && node < (uint)_trie.Length)
                    (longest, value) = (i + 1, _trie[node] & 0x7FFFFFFF);
            }
        }

        replacement = longest == 0 ? default : At(value);
        return longest;
    }

    /// <summary>Limits the length of replacements, as a short text with very long ones would exhaust memory.</summary>
    private void RequireShortReplacements()
    {
        for (int start = 0; start < _replacements.Length;)
        {
            int length = At((uint)start).Length;
            if (length > TokenizerLimits.ReplacementBytes)
                throw new InvalidDataException($"the normaliser's character map has a replacement of {length} bytes, more than {TokenizerLimits.ReplacementBytes}");
            start += length + 1;
        }
    }

    private static uint Offset(uint unit) => (unit >> 10) << (int)((unit & (1u << 9)) >> 6);

    private static uint Label(uint unit) => unit & 0x800000FF;

    private ReadOnlySpan<byte> At(uint offset)
    {
        ReadOnlySpan<byte> rest = offset < (uint)_replacements.Length ? _replacements.AsSpan((int)offset) : default;
        int end = rest.IndexOf((byte)0);
        return end < 0 ? rest : rest[..end];
    }
}
