using System.Text;
using System.Text.RegularExpressions;

namespace AsArm.Inference.Text;

/// <summary>
/// Parses and writes markup: &lt;mask&gt; is a gap of one token, &lt;mask:N&gt; a gap of N (<see cref="GapMarkup" /> reads all forms) and, if spans are enabled, [[...]] a marked span.
/// Backslashes right before a &lt; (or a [, if spans are enabled) are escapes: two stand for one, and a single one escapes the character. All
/// other backslashes are literal.
/// </summary>
internal static partial class TextMarkup
{
    /// <summary>Parses a text into literals and gaps, from left to right. Only marked literals may be empty.</summary>
    /// <param name="text">Marked-up text.</param>
    /// <param name="spans">Whether [[...]] marks a span instead of being plain text.</param>
    /// <exception cref="InfillTextException">Markup is malformed, or the text has lone surrogates.</exception>
    public static List<TextSegment> Parse(string text, bool spans) => Parse(text, spans, out _);

    /// <inheritdoc cref="Parse(string, bool)" />
    /// <param name="text">Marked-up text.</param>
    /// <param name="spans">Whether [[...]] marks a span instead of being plain text.</param>
    /// <param name="lookalikes">Parts of the given text that look like a gap.</param>
    public static List<TextSegment> Parse(string text, bool spans, out Lookalikes lookalikes)
    {
        ArgumentNullException.ThrowIfNull(text);
        RequireUnicode(text);
        lookalikes = new Lookalikes();
        var segments = new List<TextSegment>();
        var literal = new StringBuilder();
        int spanStart = -1;
        for (int at = 0; at < text.Length;)
        {
            ReadOnlySpan<char> rest = text.AsSpan(at);
            int backslashes = rest.IndexOfAnyExcept('\\') is int run and >= 0 ? run : rest.Length;
            if (backslashes > 0)
            {
                at += ReadBackslashes(rest, backslashes, spans, literal);
            }
            else if (GapMarkup.TryRead(text, at, out int length) is GapSpecification gap)
            {
                if (spanStart >= 0)
                    throw new InfillTextException($"The marked span at character {spanStart} contains a gap.");
                EndLiteral(segments, literal, marked: false);
                segments.Add(new TextSegment.Gap(gap));
                at += length;
            }
            else if (spans && spanStart < 0 && rest.StartsWith("[["))
            {
                EndLiteral(segments, literal, marked: false);
                spanStart = at;
                at += 2;
            }
            else if (spanStart >= 0 && rest.StartsWith("]]"))
            {
                EndLiteral(segments, literal, marked: true);
                spanStart = -1;
                at += 2;
            }
            else
            {
                lookalikes.Add(text, at);
                int plain = rest[1..].IndexOfAny(@"\<[]");
                literal.Append(rest[..(plain < 0 ? rest.Length : plain + 1)]);
                at += plain < 0 ? rest.Length : plain + 1;
            }
        }

        if (spanStart >= 0)
            throw new InfillTextException($"The marked span at character {spanStart} is not closed by ]].");
        EndLiteral(segments, literal, marked: false);
        return segments;
    }

    /// <summary>Escapes a text, so that parsing the result gives the text.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="spans">Whether the result is for parsing with spans.</param>
    public static string Escape(string text, bool spans)
    {
        ArgumentNullException.ThrowIfNull(text);
        var markup = new StringBuilder(text.Length);
        AppendEscaped(markup, text, spans);
        return markup.ToString();
    }

    /// <summary>Writes segments without marked spans as markup.</summary>
    public static string Write(IEnumerable<TextSegment> segments)
    {
        var markup = new StringBuilder();
        int backslashes = 0; // at the end of the previous text
        foreach (TextSegment segment in segments)
        {
            if (segment is TextSegment.Gap gap)
                markup.Append('\\', backslashes).Append(gap.Specification);
            string text = (segment as TextSegment.Literal)?.Text ?? "";
            AppendEscaped(markup, text, spans: false);
            backslashes = text.Length - text.AsSpan().TrimEnd('\\').Length;
        }

        return markup.ToString();
    }

    /// <summary>Checks that a text has no lone surrogate.</summary>
    /// <exception cref="InfillTextException">It has one.</exception>
    public static void RequireUnicode(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i]))
                continue;
            if (i + 1 == text.Length || !char.IsSurrogatePair(text[i], text[i + 1]))
                throw new InfillTextException($"The text is not valid Unicode: a lone surrogate at character {i}.");
            i++;
        }
    }

    private static void AppendEscaped(StringBuilder markup, string text, bool spans)
    {
        for (int at = 0; at < text.Length; at++)
        {
            if (IsEscapable(text[at], spans))
                markup.Append('\\', BackslashesBefore(text, at) + 1);
            markup.Append(text[at]);
        }
    }

    private static int BackslashesBefore(string text, int at)
    {
        ReadOnlySpan<char> before = text.AsSpan(0, at);
        return before.Length - before.TrimEnd('\\').Length;
    }

    private static bool IsEscapable(char character, bool spans) => character == '<' || (spans && character == '[');

    /// <summary>Appends the characters that a run of backslashes stands for, including an escaped one. Returns the number of characters that were read.</summary>
    private static int ReadBackslashes(ReadOnlySpan<char> rest, int backslashes, bool spans, StringBuilder literal)
    {
        if (backslashes == rest.Length || !IsEscapable(rest[backslashes], spans))
        {
            literal.Append('\\', backslashes);
            return backslashes;
        }

        literal.Append('\\', backslashes / 2);
        if (backslashes % 2 == 0)
            return backslashes;
        literal.Append(rest[backslashes]);
        return backslashes + 1;
    }

    private static void EndLiteral(List<TextSegment> segments, StringBuilder literal, bool marked)
    {
        if (literal.Length > 0 || marked)
            segments.Add(new TextSegment.Literal(literal.ToString(), marked));
        literal.Clear();
    }

    /// <summary>Text that a user may have meant as a gap: with other case, brackets, spaces or a slash.</summary>
    internal sealed partial class Lookalikes
    {
        private string? _first;
        private int _count;

        /// <summary>A sentence about the first one and the number of others; null if there is none.</summary>
        public string? Description => _first is null ? null
            : $"{_first} is plain text, not a gap{(_count == 1 ? "" : $" (nor are {_count - 1} more like it)")}: a gap is <mask> or <mask:N>";

        /// <summary>Records the part of a text that begins at a position, if it looks like a gap.</summary>
        public void Add(string text, int at)
        {
            if (text[at] is not ('<' or '[') || (text[at] == '[' && at > 0 && text[at - 1] == '['))
                return;
            Match match = Pattern().Match(text, at);
            if (!match.Success)
                return;
            _first ??= $"'{match.Value}' at character {at}";
            _count++;
        }

        [GeneratedRegex(@"\G(?:<\|?\s{0,3}/?\s{0,3}mask(?![\p{L}_])(?:[^<>\n]{0,20}>)?|\[\s{0,3}mask\s{0,3}(?:[:=]?\s{0,3}\d{1,9})?\s{0,3}\])", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
        private static partial Regex Pattern();
    }
}
