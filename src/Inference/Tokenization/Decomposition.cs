using System.IO.Compression;
using System.Text;

namespace AsArm.Inference.Tokenization;

/// <summary>
/// Unicode's compatibility decomposition (NFKD) without combining marks. The table is a resource, since .NET decomposes nothing in
/// globalisation-invariant mode, and its results elsewhere depend on the machine's ICU. tools/export/decomposition.py writes it.
/// </summary>
internal static class Decomposition
{
    private const int Syllables = 0xAC00, SyllableCount = 11172, Leads = 0x1100, Vowels = 0x1161, Trails = 0x11A7;
    private const int VowelCount = 21, TrailCount = 28;

    private static readonly Lazy<Dictionary<int, string>> s_table = new(() => ReadTable("decomposition.bin"));
    private static readonly Lazy<Dictionary<int, string>> s_fast = new(() => ReadTable("fast_decomposition.bin"));

    /// <summary>The text decomposed, every character with a canonical combining class other than 0 left out.</summary>
    public static string WithoutMarks(string text) => Decompose(text, rune => s_table.Value.GetValueOrDefault(rune));

    /// <summary>The text decomposed without any marks, as Hugging Face's library tokenizers has it (NFKD, StripAccents).</summary>
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

    /// <summary>Entries of a character and what it becomes, perhaps nothing, ended by U+0000 each: UTF-8, deflated.</summary>
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
