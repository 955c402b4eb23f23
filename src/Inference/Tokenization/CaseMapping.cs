using System.Globalization;
using System.Text;

namespace AsArm.Inference.Tokenization;

/// <summary>
/// Lower case like Python's str.lower, up to differences in Unicode versions: one character may become two, and a sigma at the end of a word
/// becomes a final sigma. For that rule, letters are those of the categories Lu, Ll and Lt, whereas Python also counts characters such as U+00AA,
/// Roman numerals and circled letters, and ignores a few more signs, such as U+0387.
/// </summary>
internal static class CaseMapping
{
    private const char CapitalSigma = 'Σ';

    /// <summary>Lower case of each character, without the rule of the final sigma.</summary>
    public static string LowerEach(string text) => Map(text, static (_, _) => false);

    /// <summary>Lower case of a text.</summary>
    public static string Lower(string text) => Map(text, IsFinalSigma);

    private static string Map(string text, Func<string, int, bool> isFinalSigma)
    {
        if (Ascii.IsValid(text))
            return text.ToLowerInvariant();
        var lower = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            char character = text[i];
            if (character == '\u0130')
                lower.Append("i\u0307");
            else if (character == CapitalSigma && isFinalSigma(text, i))
                lower.Append('ς');
            else if (Rune.TryGetRuneAt(text, i, out Rune rune) && rune.Utf16SequenceLength == 2)
                (lower, i) = (lower.Append(Rune.ToLowerInvariant(rune).ToString()), i + 1);
            else
                lower.Append(char.ToLowerInvariant(character));
        }

        return lower.ToString();
    }

    /// <summary>Whether a cased letter is before a sigma and none after it, ignoring marks of the BMP; close to Unicode's Final_Sigma.</summary>
    private static bool IsFinalSigma(string text, int sigma)
    {
        int before = sigma - 1, after = sigma + 1;
        while (before >= 0 && IsIgnorable(text[before]))
            before--;
        while (after < text.Length && IsIgnorable(text[after]))
            after++;
        return before >= 0 && IsCased(text, before) && !(after < text.Length && IsCased(text, after));
    }

    private static bool IsIgnorable(char character) =>
        character is '\'' or '.' or ':' or '\u00b7' or '\u2018' or '\u2019' or '\u2024' or '\u2027'
        || char.GetUnicodeCategory(character) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark
            or UnicodeCategory.Format or UnicodeCategory.ModifierLetter or UnicodeCategory.ModifierSymbol;

    private static bool IsCased(string text, int index) =>
        CharUnicodeInfo.GetUnicodeCategory(text, char.IsLowSurrogate(text[index]) && index > 0 ? index - 1 : index)
            is UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter;
}
