using System.Globalization;
using System.Text;
using Microsoft.ML.Tokenizers;

namespace AsArm.Inference.Tokenization;

/// <summary>
/// Splits a text into words as GPT-2 does: runs of letters, of numbers or of other visible characters, each with the space before it; English
/// contractions; and runs of white space, whose last character is apart if a word follows. It replaces the regular expressions of Microsoft.ML.Tokenizers, which see surrogates
/// instead of characters, so that letters and numbers beyond U+FFFF are others to them.
/// </summary>
internal sealed class ByteLevelPreTokenizer : PreTokenizer
{
    private enum Kind
    {
        Letter,
        Number,
        Space,
        Other,
    }

    public override IEnumerable<(int Offset, int Length)> PreTokenize(string text) => Split(text);

    public override IEnumerable<(int Offset, int Length)> PreTokenize(ReadOnlySpan<char> text) => Split(text);

    private static List<(int Offset, int Length)> Split(ReadOnlySpan<char> text)
    {
        var words = new List<(int, int)>((text.Length / 4) + 1);
        for (int start = 0, length; start < text.Length; start += length)
        {
            length = WordLength(text[start..]);
            words.Add((start, length));
        }

        return words;
    }

    /// <summary>Length of the first word of a text.</summary>
    private static int WordLength(ReadOnlySpan<char> text)
    {
        if (ContractionLength(text) is int contraction and > 0)
            return contraction;
        int word = text[0] == ' ' && text.Length > 1 ? 1 : 0;
        Kind kind = KindOf(text[word..], out _);
        if (kind != Kind.Space)
            return word + RunLength(text[word..], kind);
        int spaces = RunLength(text, Kind.Space);
        return spaces == text.Length || spaces == 1 ? spaces : spaces - 1;
    }

    private static int ContractionLength(ReadOnlySpan<char> text) => text switch
    {
        ['\'', 's' or 'd' or 'm' or 't', ..] => 2,
        ['\'', 'r', 'e', ..] or ['\'', 'v', 'e', ..] or ['\'', 'l', 'l', ..] => 3,
        _ => 0,
    };

    private static int RunLength(ReadOnlySpan<char> text, Kind kind)
    {
        int length = 0;
        while (length < text.Length && KindOf(text[length..], out int size) == kind)
            length += size;
        return length;
    }

    private static Kind KindOf(ReadOnlySpan<char> text, out int size)
    {
        Rune.DecodeFromUtf16(text, out Rune rune, out size);
        if (Rune.IsWhiteSpace(rune))
            return Kind.Space;
        return Rune.GetUnicodeCategory(rune) switch
        {
            UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
                or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter => Kind.Letter,
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Kind.Number,
            _ => Kind.Other,
        };
    }
}
