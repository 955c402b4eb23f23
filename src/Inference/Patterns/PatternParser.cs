using System.Globalization;
using System.Text.RegularExpressions;

namespace AsArm.Inference.Patterns;

/// <summary>
/// Parses an expression of System.Text.RegularExpressions of which only the language counts: what backtracks or looks around is refused. Syntax
/// errors are those of .NET, with its positions.
/// </summary>
internal sealed class PatternParser
{
    private const string Anchors = "an anchor other than at the start or the end, which match the start and the end of the filling";

    private readonly string _text;
    private readonly Dictionary<(string, bool), CharacterSet> _sets = [];
    private int _at;
    private int _classCount;

    private PatternParser(string text) => _text = text;

    /// <summary>Parses an expression.</summary>
    /// <exception cref="PatternException">It is malformed, uses what is not supported, or is too large.</exception>
    public static PatternNode Parse(string expression)
    {
        if (expression.Length > PatternLimits.Characters)
            throw new PatternException($"has {expression.Length} characters, at most {PatternLimits.Characters} are supported", PatternLimits.Characters);
        RequireSyntax(expression);
        var parser = new PatternParser(expression);
        PatternNode node = parser.ParseAlternation(depth: 0, ignoresCase: false).Node;
        return parser._at == expression.Length ? node : throw parser.Unsupported("a closing parenthesis without an opening one");
    }

    private static void RequireSyntax(string expression)
    {
        try
        {
            _ = new Regex(expression, RegexOptions.CultureInvariant);
        }
        catch (RegexParseException error)
        {
            throw new PatternException($"is malformed ({error.Error})", Math.Min(error.Offset, expression.Length));
        }
    }

    private bool IsAtEnd => _at == _text.Length;

    private char Current => _text[_at];

    private bool Follows(string text) => _text.AsSpan(_at).StartsWith(text, StringComparison.Ordinal);

    private PatternException Unsupported(string what) => new($"has {what}, which is not supported", _at);

    private static Sized Limited(PatternNode node, long size, int offset) => size <= PatternLimits.NfaStates ? new(node, size)
        : throw new PatternException($"needs more than {PatternLimits.NfaStates} states with its repetitions written out", offset);

    private Sized ParseAlternation(int depth, bool ignoresCase)
    {
        if (depth > PatternLimits.Depth)
            throw Unsupported($"more than {PatternLimits.Depth} groups in groups");
        int start = _at;
        var branches = new List<PatternNode>();
        long size = 0;
        do
        {
            Sized branch = ParseSequence(depth, ref ignoresCase);
            branches.Add(branch.Node);
            size += branch.Size + 2;
        }
        while (TrySkip('|'));
        return Limited(branches.Count == 1 ? branches[0] : new PatternNode.Alternation(branches), size, start);
    }

    private Sized ParseSequence(int depth, ref bool ignoresCase)
    {
        int start = _at;
        var parts = new List<PatternNode>();
        long size = 1;
        while (!IsAtEnd && Current is not ('|' or ')'))
        {
            if (TrySkipAnchor(depth, isFirst: parts.Count == 0) || TrySkipOption(ref ignoresCase))
                continue;
            Sized part = ParseQuantified(depth, ignoresCase);
            parts.Add(part.Node);
            size += part.Size;
        }

        return Limited(parts.Count == 1 ? parts[0] : new PatternNode.Sequence(parts), size, start);
    }

    private bool TrySkip(char character)
    {
        bool skips = !IsAtEnd && Current == character;
        _at += skips ? 1 : 0;
        return skips;
    }

    /// <summary>Skips an anchor at an edge of the whole expression, where it has no effect.</summary>
    private bool TrySkipAnchor(int depth, bool isFirst)
    {
        int length = Current is '^' or '$' ? 1 : Follows(@"\A") || Follows(@"\z") || Follows(@"\Z") ? 2 : 0;
        if (length == 0)
            return false;
        bool opens = Current == '^' || Follows(@"\A");
        bool isLast = _at + length == _text.Length || _text[_at + length] == '|';
        if (depth > 0 || !(opens ? isFirst : isLast) || (_at + length < _text.Length && _text[_at + length] is '*' or '+' or '?' or '{'))
            throw Unsupported(Anchors);
        _at += length;
        return true;
    }

    private bool TrySkipOption(ref bool ignoresCase)
    {
        if (!Follows("(?i)") && !Follows("(?-i)"))
            return false;
        ignoresCase = Follows("(?i)");
        _at = _text.IndexOf(')', _at) + 1;
        return true;
    }

    private Sized ParseQuantified(int depth, bool ignoresCase)
    {
        Sized atom = ParseAtom(depth, ignoresCase);
        if (IsAtEnd)
            return atom;
        int start = _at;
        (int Min, int? Max)? count = ReadQuantifier();
        if (count is not (int min, var max))
            return atom;
        TrySkip('?'); // lazy: the same language
        return Limited(new PatternNode.Repeat(atom.Node, min, max), checked((atom.Size + 1) * Math.Max(1, (long)(max ?? min + 1L)) + 1), start);
    }

    private (int Min, int? Max)? ReadQuantifier()
    {
        if (TrySkip('*'))
            return (0, null);
        if (TrySkip('+'))
            return (1, null);
        if (TrySkip('?'))
            return (0, 1);
        if (Current != '{')
            return null;
        int end = _text.IndexOf('}', _at);
        if (end < 0)
            return null;
        string[] numbers = _text[(_at + 1)..end].Split(',');
        if (numbers.Length > 2 || !TryRead(numbers[0], out int min) || (numbers is [_, not ""] && !TryRead(numbers[1], out _)))
            return null; // a plain brace
        _at = end + 1;
        return (min, numbers switch { [_] => min, [_, ""] => null, _ => int.Parse(numbers[1], NumberStyles.None, CultureInfo.InvariantCulture) });

        static bool TryRead(string text, out int number) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }

    private Sized ParseAtom(int depth, bool ignoresCase)
    {
        int start = _at;
        return Current switch
        {
            '(' => ParseGroup(depth, ignoresCase),
            '[' => SetOf(ReadClass(), ignoresCase, start),
            '.' => SetOf(Read(1), ignoresCase: false, start),
            '\\' => SetOf(ReadEscape(), ignoresCase, start),
            _ => SetOf(Regex.Escape(Read(1)), ignoresCase, start),
        };
    }

    private Sized ParseGroup(int depth, bool ignoresCase)
    {
        int start = _at;
        _at++;
        if (TrySkip('?'))
        {
            if (Follows("i:") || Follows("-i:"))
                ignoresCase = Current == 'i';
            int end = _text.IndexOfAny([':', '>', '\''], _at);
            if (Current is '<' or '\'' && _at + 1 < _text.Length && (char.IsLetter(_text[_at + 1]) || _text[_at + 1] == '_' || char.IsDigit(_text[_at + 1])))
                end = _text.IndexOfAny(['>', '\''], _at + 1); // a name
            else if (!Follows(":") && !Follows("i:") && !Follows("-i:"))
                end = -1;
            if (end < 0 || _text.AsSpan(_at, end - _at).Contains('-') && !Follows("-i:"))
            {
                _at = start;
                throw Unsupported("a group that looks around, is atomic, conditional or balancing, a comment, or an option other than i");
            }

            _at = end + 1;
        }

        Sized inner = ParseAlternation(depth + 1, ignoresCase);
        _at++; // the closing parenthesis, which the syntax has
        return inner;
    }

    private string Read(int length)
    {
        _at += length;
        return _text[(_at - length).._at];
    }

    /// <summary>Reads a class with its brackets, which may end in another one to subtract, as in [a-z-[aeiou]].</summary>
    private string ReadClass()
    {
        int start = _at;
        SkipClass();
        string text = _text[start.._at];
        int surrogate = text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF');
        return surrogate < 0 ? text : throw new PatternException("has a class with a character beyond U+FFFF, which is not supported: write it as an alternative, (?:x|y)", start + surrogate);
    }

    /// <summary>Skips a class: the shortest text up to a closing bracket that .NET takes for one.</summary>
    private void SkipClass()
    {
        int start = _at, end = start;
        do
            end = _text.IndexOf(']', end + 1);
        while (end >= 0 && !IsSyntax(_text[start..(end + 1)]));
        if (end < 0)
            throw Unsupported("a class without an end");
        _at = end + 1;
        int name = _text.AsSpan(start, _at - start).IndexOf("[:", StringComparison.Ordinal);
        if (name >= 0 && _text.AsSpan(start + name, _at - start - name).Contains(":]", StringComparison.Ordinal))
        {
            _at = start + name;
            throw Unsupported("a named class of POSIX");
        }
    }

    private static bool IsSyntax(string expression)
    {
        try
        {
            _ = new Regex(expression, RegexOptions.CultureInvariant);
            return true;
        }
        catch (RegexParseException)
        {
            return false;
        }
    }

    /// <summary>Reads an escape that stands for one code unit.</summary>
    private string ReadEscape()
    {
        char kind = _text[_at + 1];
        if (kind is 'p' or 'P')
            return Read(_text.IndexOf('}', _at) + 1 - _at);
        if (kind is 'x' or 'u')
            return Read(kind == 'x' ? 4 : 6);
        if (kind == 'c')
            return Read(3);
        if (kind is 'd' or 'D' or 'w' or 'W' or 's' or 'S' or 't' or 'n' or 'r' or 'f' or 'v' or 'a' or 'e' || !char.IsLetterOrDigit(kind))
            return Read(2);
        throw Unsupported(kind == '0' ? "an octal escape" : char.IsDigit(kind) || kind == 'k' ? "a backreference" : "a word boundary, or another anchor");
    }

    private Sized SetOf(string expression, bool ignoresCase, int offset)
    {
        if (!_sets.TryGetValue((expression, ignoresCase), out CharacterSet? set))
        {
            string literal = Literal(expression);
            bool isLiteral = literal.Length == 1 && !ignoresCase;
            if (!isLiteral && ++_classCount > PatternLimits.Classes)
                throw new PatternException($"has more than {PatternLimits.Classes} different character classes", offset);
            set = isLiteral ? CharacterSet.Of(literal[0]) : CharacterSet.Matching(expression, ignoresCase);
            _sets.Add((expression, ignoresCase), set);
        }

        return new(new PatternNode.Set(set), 1);
    }

    /// <summary>The one character that an expression stands for; empty for a class.</summary>
    private static string Literal(string expression) => expression switch
    {
        [not '.'] => expression,
        ['\\', var escaped] when !char.IsLetterOrDigit(escaped) => escaped.ToString(),
        _ => "",
    };

    /// <summary>A node, with the number of states that it takes.</summary>
    private readonly record struct Sized(PatternNode Node, long Size);
}
