using System.Globalization;
using System.Text;

namespace AsArm.Inference;

/// <summary>
/// Reads the markup of a text: &lt;mask&gt; is one unknown token, &lt;mask:N&gt; a gap of N, [[...]] a marked span where spans
/// are asked for; \&lt; and \[ stand for the characters themselves.
/// </summary>
internal static class TextMarkup
{
    private const string GapStart = "<mask";

    /// <summary>The segments of a text, literals and gaps in order; no literal is empty unless it is marked.</summary>
    /// <param name="text">Marked-up text.</param>
    /// <param name="spans">Whether [[...]] marks a span; else it is plain text.</param>
    /// <exception cref="InfillTextException">A malformed marker, or lone surrogates.</exception>
    public static List<TextSegment> Parse(string text, bool spans)
    {
        RequireUnicode(text);
        var segments = new List<TextSegment>();
        var literal = new StringBuilder();
        int spanStart = -1;
        for (int at = 0; at < text.Length;)
        {
            ReadOnlySpan<char> rest = text.AsSpan(at);
            if (rest.StartsWith(@"\<") || rest.StartsWith(@"\["))
            {
                literal.Append(rest[1]);
                at += 2;
            }
            else if (TryReadGap(rest, at, out long count, out int length))
            {
                if (spanStart >= 0)
                    throw new InfillTextException($"The marked span at character {spanStart} holds a gap.");
                EndLiteral(segments, literal, marked: false);
                segments.Add(new TextSegment.Gap(count));
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
                literal.Append(rest[0]);
                at++;
            }
        }

        if (spanStart >= 0)
            throw new InfillTextException($"The marked span at character {spanStart} is not closed by ]].");
        EndLiteral(segments, literal, marked: false);
        return segments;
    }

    private static void EndLiteral(List<TextSegment> segments, StringBuilder literal, bool marked)
    {
        if (literal.Length > 0 || marked)
            segments.Add(new TextSegment.Literal(literal.ToString(), marked));
        literal.Clear();
    }

    private static bool TryReadGap(ReadOnlySpan<char> rest, int at, out long count, out int length)
    {
        (count, length) = (1, GapStart.Length + 1);
        if (!rest.StartsWith(GapStart) || rest.Length == GapStart.Length || rest[GapStart.Length] is not ('>' or ':'))
            return false;
        if (rest[GapStart.Length] == '>')
            return true;
        ReadOnlySpan<char> number = rest[length..];
        int end = number.IndexOf('>');
        if (end < 0 || !long.TryParse(number[..end], NumberStyles.None, CultureInfo.InvariantCulture, out long tokens))
            throw new InfillTextException($"The gap at character {at} is malformed: write <mask> or <mask:N>, or \\< for a plain <.");
        if (tokens < 1)
            throw new InfillTextException($"The gap at character {at} has size {tokens}; it needs at least one token.");
        (count, length) = (tokens, length + end + 1);
        return true;
    }

    private static void RequireUnicode(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i]))
                continue;
            if (i + 1 == text.Length || !char.IsSurrogatePair(text[i], text[i + 1]))
                throw new InfillTextException($"The text is no valid Unicode: a lone surrogate at character {i}.");
            i++;
        }
    }
}
