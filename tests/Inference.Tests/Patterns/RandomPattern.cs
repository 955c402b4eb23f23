using AsArm.Assd.Randomness;
using AsArm.Assd.Tests.Support;

namespace AsArm.Inference.Tests.Patterns;

/// <summary>Random expressions of the supported part of the language, and texts that come near to matching them.</summary>
internal sealed class RandomPattern(long seed)
{
    private const string Letters = "abcAB1_- .\n\u00E9\u0130\u212A\uD83D\uDE00";

    private static readonly string[] s_classes =
    [
        "[abc]", "[^a]", "[a-c]", "[]a]", "[^]a]", "[-a]", "[a-]", "[a-c-[b]]", @"[\w-[a-b]]", @"[\d\s]", @"[^\W1]", @"[\]\[a]", @"[\-a]", "[[a]", @"[\x61-\u0063]", @"[^\n]",
        @"\d", @"\D", @"\w", @"\W", @"\s", @"\S", @"\p{L}", @"\P{Lu}", @"\p{IsGreek}", ".", @"\n", @"\x61", @"\u0062", @"\.", @"\-", @"\cJ", "[-[a]", @"[\w-[\d_-[1]]]",
    ];

    private static readonly string[] s_quantifiers = ["*", "+", "?", "{2}", "{0}", "{1,2}", "{2,}", "{0,3}", "*?", "+?", "??", "{1,2}?", "{", "{x}", "{,2}"];

    private readonly SplitMix64 _random = new(seed);

    /// <summary>An expression.</summary>
    public string Expression() => _random.Next(8) switch { 0 => "^", 1 => @"\A", _ => "" } + Alternation(3) + _random.Next(8) switch { 0 => "$", 1 => @"\z", _ => "" };

    /// <summary>A text of up to 7 characters.</summary>
    public string Text() => string.Concat(Enumerable.Range(0, _random.Next(8)).Select(_ => Letters[_random.Next(Letters.Length)]));

    private string Alternation(int depth) => string.Join('|', Enumerable.Range(0, _random.Next(4) == 0 ? _random.Next(1, 3) : 1).Select(_ => Sequence(depth)));

    private string Sequence(int depth) => (_random.Next(30) == 0 ? "(?i)" : "") + string.Concat(Enumerable.Range(0, _random.Next(4)).Select(_ => Quantified(depth)));

    private string Quantified(int depth) => Atom(depth) + (_random.Next(3) == 0 ? s_quantifiers[_random.Next(s_quantifiers.Length)] : "");

    private string Atom(int depth) => _random.Next(depth > 0 ? 5 : 3) switch
    {
        0 => s_classes[_random.Next(s_classes.Length)],
        1 or 2 => System.Text.RegularExpressions.Regex.Escape(Letters[_random.Next(Letters.Length)].ToString()),
        _ => _random.Next(5) switch { 0 => "(", 1 => "(?<n>", 2 => "(?i:", 3 => "(?-i:", _ => "(?:" } + Alternation(depth - 1) + ")",
    };
}
