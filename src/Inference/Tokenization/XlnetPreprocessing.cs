using System.Text;

namespace AsArm.Inference.Tokenization;

/// <summary>The part of <see cref="TextRules" /> that changes text.</summary>
internal static class XlnetPreprocessing
{
    /// <summary>White space, quotes, accents, case, in this order.</summary>
    /// <param name="text">Text without special tokens.</param>
    /// <param name="rules">Which of them.</param>
    /// <param name="keepsLeadingSpace">White space in front becomes one space even where it would go.</param>
    public static string Apply(string text, TextRules rules, bool keepsLeadingSpace)
    {
        if (rules.DoLowerCase)
            text = CaseMapping.LowerEach(text); // Hugging Face does it before the other rules too
        if (rules.RemoveSpace)
            text = Collapse(text, keepsLeadingSpace);
        text = text.Replace("``", "\"", StringComparison.Ordinal).Replace("''", "\"", StringComparison.Ordinal);
        if (!rules.KeepAccents)
            text = Decomposition.WithoutMarks(text);
        return rules.DoLowerCase ? CaseMapping.Lower(text) : text;
    }

    /// <summary>White space as Python's str.isspace has it: the information separators U+001C to U+001F too.</summary>
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

    /// <summary>Most text is; it has single spaces between its words.</summary>
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
