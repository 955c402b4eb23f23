namespace AsArm.Inference.Tokenization;

/// <summary>
/// The characters by which byte-level BPE writes bytes in its files: a byte that is a visible character of Latin-1 is that character, the others are
/// the characters from U+0100 on, in order.
/// </summary>
internal static class ByteAlphabet
{
    private static readonly char[] s_characters = Characters();
    private static readonly short[] s_bytes = Bytes();

    /// <summary>The character of a byte.</summary>
    public static char CharacterOf(byte value) => s_characters[value];

    /// <summary>The byte of a character; -1 if it has none.</summary>
    public static int ByteOf(char character) => character < s_bytes.Length ? s_bytes[character] : -1;

    private static char[] Characters()
    {
        var characters = new char[byte.MaxValue + 1];
        char next = '\u0100';
        for (int value = 0; value < characters.Length; value++)
            characters[value] = value is > ' ' and < 0x7F or > 0xA0 and not 0xAD ? (char)value : next++;
        return characters;
    }

    private static short[] Bytes()
    {
        var bytes = new short[s_characters.Max() + 1];
        Array.Fill(bytes, (short)-1);
        for (int value = 0; value < s_characters.Length; value++)
            bytes[s_characters[value]] = (short)value;
        return bytes;
    }
}
