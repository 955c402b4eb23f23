using System.Globalization;
using System.Text;

namespace AsArm.Inference.Text;

/// <summary>
/// Reads and writes the markup of one gap (docs/gaps.md has the grammar). Reading takes time in proportion to the markup, and ends at the first error, which
/// is named with its position.
/// </summary>
internal ref struct GapMarkup
{
    private const string Start = "<mask";
    private const int MaxShownDigits = 24;
    private readonly ReadOnlySpan<char> _text;
    private readonly int _gap; // where the gap begins
    private int _at;

    private GapMarkup(ReadOnlySpan<char> text, int gap)
    {
        _text = text;
        (_gap, _at) = (gap, gap + Start.Length);
    }

    private readonly char Current => _at < _text.Length ? _text[_at] : '\0';

    /// <summary>Reads the gap that begins at a position, if one does.</summary>
    /// <param name="text">The whole text, in which positions are counted.</param>
    /// <param name="at">The position of a character.</param>
    /// <param name="length">The length of the markup.</param>
    /// <returns>Null where no gap begins.</returns>
    /// <exception cref="InfillTextException">The gap is malformed.</exception>
    public static GapSpecification? TryRead(ReadOnlySpan<char> text, int at, out int length)
    {
        length = 0;
        ReadOnlySpan<char> rest = text[at..];
        if (!rest.StartsWith(Start) || rest.Length == Start.Length || rest[Start.Length] is not ('>' or ':' or '#'))
            return null;
        var markup = new GapMarkup(text, at);
        GapSpecification gap = markup.Read();
        length = markup._at - at;
        return gap;
    }

    /// <summary>Whether a character may be in a name.</summary>
    public static bool IsOfName(char character) => char.IsAsciiLetterOrDigit(character) || character is '-' or '_';

    /// <summary>Writes choices.</summary>
    public static string Quote(IEnumerable<string> choices) => '"' + string.Join('|', choices.Select(choice => Escape(choice, "\\\"|"))) + '"';

    /// <summary>Writes a pattern. Only a slash is escaped, as expressions have backslashes of their own.</summary>
    public static string Delimit(string pattern) => $"/{pattern.Replace("/", "\\/", StringComparison.Ordinal)}/";

    /// <summary>A pattern with its escaped slashes as plain ones, which mean the same; null if it ends in the midst of an escape.</summary>
    public static string? WithPlainSlashes(string pattern)
    {
        var plain = new StringBuilder(pattern.Length);
        for (int i = 0; i < pattern.Length; i++)
        {
            if (pattern[i] == '\\')
            {
                if (++i == pattern.Length)
                    return null;
                if (pattern[i] != '/')
                    plain.Append('\\');
            }

            plain.Append(pattern[i]);
        }

        return plain.ToString();
    }

    private static string Escape(string text, string special)
    {
        var escaped = new StringBuilder();
        foreach (char character in text)
            escaped.Append(special.Contains(character) ? $"\\{character}" : $"{character}");
        return escaped.ToString();
    }

    private GapSpecification Read()
    {
        GapSpecification? gap = null;
        if (Current == ':')
        {
            do
            {
                _at++;
                gap = ReadPart(gap);
            }
            while (Current == ',');
        }

        gap ??= GapSpecification.Tokens();
        if (Current == '#')
            gap = gap.Named(ReadName());
        if (Current != '>')
            throw Malformed("> is expected");
        _at++;
        return gap;
    }

    private GapSpecification ReadPart(GapSpecification? gap)
    {
        switch (Current)
        {
            case '"':
                if (gap is { Choices.Count: > 0 } or { Pattern: not null })
                    throw Malformed("a gap has one list of choices or one pattern");
                return Add(gap, GapSpecification.OneOf(ReadChoices()));
            case '/':
                if (gap is { Choices.Count: > 0 } or { Pattern: not null })
                    throw Malformed("a gap has one list of choices or one pattern");
                return Add(gap, GapSpecification.Matching(ReadPattern()));
            case '*':
                RequireNoTokens(gap);
                _at++;
                return Add(gap, GapSpecification.AnyLength());
            case '~' or (>= '0' and <= '9'):
                return ReadNumbers(gap);
            default:
                throw Malformed("a number, *, ~, a \" or a / is expected");
        }
    }

    private GapSpecification ReadNumbers(GapSpecification? gap)
    {
        int start = _at;
        bool isAbout = Current == '~';
        if (isAbout)
            _at++;
        ReadOnlySpan<char> first = ReadDigits(), last = first;
        if (!isAbout && Current == '-')
        {
            _at++;
            last = ReadDigits();
        }

        if (Current == 'c')
            return ReadCharacters(gap, start, isAbout, first, last);
        if (isAbout)
            throw Malformed("c is expected: ~N is for characters");
        (long minimum, long maximum) = (TokensOf(first), TokensOf(last));
        if (maximum < minimum)
            throw MalformedAt(start, $"{maximum} is less than {minimum}");
        RequireNoTokens(gap, start);
        return Add(gap, GapSpecification.Tokens(minimum, maximum));
    }

    private GapSpecification ReadCharacters(GapSpecification? gap, int start, bool isAbout, ReadOnlySpan<char> first, ReadOnlySpan<char> last)
    {
        _at++;
        if (gap?.MinCharacters is not null)
            throw MalformedAt(start, "the number of characters is given twice");
        (int minimum, int maximum) = (CharactersOf(first), CharactersOf(last));
        if (minimum < 1)
            throw MalformedAt(start, "a gap has at least one character");
        if (maximum < minimum)
            throw MalformedAt(start, $"{maximum} is less than {minimum}");
        return Add(gap, isAbout ? GapSpecification.AboutCharacters(minimum) : GapSpecification.Characters(minimum, maximum));
    }

    private static GapSpecification Add(GapSpecification? gap, GapSpecification part)
    {
        if (gap is null)
            return part;
        if (part.MinTokens is long tokens)
            return gap.WithTokens(tokens, part.MaxTokens!.Value);
        if (part.MinCharacters is int characters)
            return gap.WithCharacters(characters, part.MaxCharacters!.Value);
        return part.Pattern is string pattern ? gap.WithPattern(pattern) : gap.WithChoices(part.Choices);
    }

    private ReadOnlySpan<char> ReadDigits()
    {
        int start = _at;
        while (char.IsAsciiDigit(Current))
            _at++;
        return _at > start ? _text[start.._at] : throw Malformed("a number is expected");
    }

    private readonly long TokensOf(ReadOnlySpan<char> digits)
    {
        if (!long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long tokens) || tokens > TextLimits.MaxGapTokens)
            throw new InfillTextException($"The gap at character {_gap} has {Shown(digits)} tokens, more than any model takes.");
        return tokens >= 1 ? tokens : throw new InfillTextException($"The gap at character {_gap} has size {tokens}; it needs at least one token.");
    }

    private readonly int CharactersOf(ReadOnlySpan<char> digits) =>
        int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int characters) && characters <= GapSpecification.LimitOfCharacters ? characters
            : throw new InfillTextException($"The gap at character {_gap} has {Shown(digits)} characters; at most {GapSpecification.LimitOfCharacters} are supported.");

    private static string Shown(ReadOnlySpan<char> digits) => digits.Length <= MaxShownDigits ? digits.ToString() : $"{digits[..MaxShownDigits]}...";

    /// <summary>Reads choices with their quotes. \", \| and \\ stand for the second character; other backslashes are literal.</summary>
    private List<string> ReadChoices()
    {
        var choices = new List<string>();
        do
        {
            _at++; // a quote or a bar
            int start = _at;
            string choice = ReadUntil("\"|", "\"|\\<", "the list of choices");
            if (choice.Length == 0)
                throw MalformedAt(start, "a choice is empty");
            if (choices.Contains(choice))
                throw MalformedAt(start, "a choice is there twice");
            choices.Add(choice);
            if (choices.Count > GapSpecification.LimitOfChoices)
                throw MalformedAt(start, $"at most {GapSpecification.LimitOfChoices} choices are supported");
        }
        while (Current == '|');
        _at++;
        return choices;
    }

    /// <summary>Reads a pattern with its slashes. \/ stands for a slash; other backslashes belong to the expression.</summary>
    private string ReadPattern()
    {
        int start = ++_at;
        string pattern = ReadUntil("/", "/", "the pattern");
        _at++;
        return pattern.Length > 0 ? pattern : throw MalformedAt(start, "the pattern is empty");
    }

    private string ReadUntil(string ends, string escapable, string what)
    {
        int start = _at;
        var text = new StringBuilder();
        while (_at < _text.Length && !ends.Contains(_text[_at]))
        {
            if (_text[_at] == '\\' && _at + 1 < _text.Length)
            {
                if (!escapable.Contains(_text[_at + 1]))
                    text.Append('\\');
                _at++;
            }

            text.Append(_text[_at++]);
            if (text.Length > GapSpecification.LimitOfText)
                throw MalformedAt(start, $"more than {GapSpecification.LimitOfText} characters");
        }

        return _at < _text.Length ? text.ToString() : throw MalformedAt(start, $"{what} is not closed");
    }

    private string ReadName()
    {
        int start = ++_at;
        while (IsOfName(Current))
            _at++;
        return _at - start is >= 1 and <= GapSpecification.LimitOfName ? _text[start.._at].ToString()
            : throw MalformedAt(start, $"a name of 1 to {GapSpecification.LimitOfName} letters, digits, hyphens and underscores is expected");
    }

    private readonly void RequireNoTokens(GapSpecification? gap, int? at = null)
    {
        if (gap?.MinTokens is not null)
            throw MalformedAt(at ?? _at, "the number of tokens is given twice");
    }

    private readonly InfillTextException Malformed(string reason) => MalformedAt(_at, reason);

    private readonly InfillTextException MalformedAt(int at, string reason) =>
        new($"The gap at character {_gap} is malformed at character {at}: {reason}. Write <mask> or <mask:N>, or \\< for a plain < (docs/gaps.md has all forms).");
}
