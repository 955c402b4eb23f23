using System.Text;

namespace AsArm.Inference.Tokenization;

/// <summary>The normalisation of <see cref="TextRules" /> that is applied before SentencePiece's own.</summary>
internal static class XlnetPreprocessing
{
    /// <summary>Normalises white space, quotes, accents and case, in this order.</summary>
    /// <param name="text">A text without special tokens.</param>
    /// <param name="rules">The settings.</param>
    /// <param name="keepsLeadingSpace">Whether leading white space becomes one space instead of being removed.</param>
    public static string Apply(string text, TextRules rules, bool keepsLeadingSpace)
    {
        if (rules.DoLowerCase)
            text = CaseMapping.LowerEach(text); // like Hugging Face, also before the other steps
        if (rules.RemoveSpace)
            text = Collapse(text, keepsLeadingSpace);
        text = text.Replace("``", "\"", StringComparison.Ordinal).Replace("''", "\"", StringComparison.Ordinal);
        if (!rules.KeepAccents)
            text = Decomposition.WithoutMarks(text);
        return rules.DoLowerCase ? CaseMapping.Lower(text) : text;
    }

    /// <summary>Whether a character is white space like in Python's str.isspace, which includes the separators U+001C to U+001F.</summary>
    public static bool IsSpace(char character) => char.IsWhiteSpace(character) || character is >= '\x1c' and <= '\x1f';

    private static string Collapse(string text, bool keepsLeadingSpace)
    {
        if (IsCollapsed(text))
            return text;
        var words = new StringBuilder(text.Length);
        bool pending = keepsLeadingSpace && text.Length > 0 && IsSpace(text[0]);
        foreach (char character in text)
        {
            if (IsSpace(character))
            {
                pending |= words.Length > 0;
                continue;
            }

            if (pending)
                words.Append(' ');
            pending = false;
            words.Append(character);
        }

        return pending && words.Length == 0 ? " " : words.ToString();
    }

    /// <summary>Whether words are already separated by single spaces, as in most text.</summary>
    private static bool IsCollapsed(string text)
    {
        bool afterSpace = true;
        foreach (char character in text)
        {
            if (IsSpace(character) && (afterSpace || character != ' '))
                return false;
            afterSpace = character == ' ';
        }

        return !afterSpace;
    }
}
