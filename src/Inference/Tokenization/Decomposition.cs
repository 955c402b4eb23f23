using System.IO.Compression;
using System.Text;

namespace AsArm.Inference.Tokenization;

/// <summary>
/// Compatibility decomposition (NFKD) without combining marks. It uses an embedded table, written by tools/asarm_tools/text/decomposition.py, since .NET's
/// own normalisation does nothing in globalisation-invariant mode and otherwise depends on the installed ICU.
/// </summary>
internal static class Decomposition
{
    private const int Syllables = 0xAC00, SyllableCount = 11172, Leads = 0x1100, Vowels = 0x1161, Trails = 0x11A7;
    private const int VowelCount = 21, TrailCount = 28;

    private static readonly Lazy<Dictionary<int, string>> s_table = new(() => ReadTable("decomposition.bin"));
    private static readonly Lazy<Dictionary<int, string>> s_fast = new(() => ReadTable("fast_decomposition.bin"));

    /// <summary>Decomposes a text and removes characters with a canonical combining class other than 0.</summary>
    public static string WithoutMarks(string text) => Decompose(text, rune => s_table.Value.GetValueOrDefault(rune));

    /// <summary>Decomposes a text and removes all marks, like NFKD and StripAccents of Hugging Face's library "tokenizers".</summary>
    public static string WithoutAnyMarks(string text) =>
        Decompose(text, rune => s_fast.Value.GetValueOrDefault(rune) ?? s_table.Value.GetValueOrDefault(rune));

    private static string Decompose(string text, Func<int, string?> decompose)
    {
        if (Ascii.IsValid(text))
            return text;
        var result = new StringBuilder(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            int syllable = rune.Value - Syllables;
            if (rune.IsAscii)
                result.Append((char)rune.Value);
            else if (syllable is >= 0 and < SyllableCount)
                AppendSyllable(result, syllable);
            else if (decompose(rune.Value) is string decomposed)
                result.Append(decomposed);
            else
                result.Append(rune.ToString());
        }

        return result.ToString();
    }

    private static void AppendSyllable(StringBuilder result, int syllable)
    {
        result.Append((char)(Leads + (syllable / (VowelCount * TrailCount))));
        result.Append((char)(Vowels + (syllable / TrailCount % VowelCount)));
        if (syllable % TrailCount > 0)
            result.Append((char)(Trails + (syllable % TrailCount)));
    }

    /// <summary>Reads a table: UTF-8, zlib-compressed; each entry is a character and its decomposition, which may be empty, ended by U+0000.</summary>
    private static Dictionary<int, string> ReadTable(string name)
    {
        using Stream resource = typeof(Decomposition).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"The assembly lacks its resource {name}.");
        using var reader = new StreamReader(new ZLibStream(resource, CompressionMode.Decompress), Encoding.UTF8);
        var table = new Dictionary<int, string>();
        foreach (string entry in reader.ReadToEnd().Split('\0', StringSplitOptions.RemoveEmptyEntries))
        {
            Rune.DecodeFromUtf16(entry, out Rune rune, out int length);
            table.Add(rune.Value, entry[length..]);
        }

        return table;
    }
}
