using System.Diagnostics;
using AsArm.Inference.Patterns;

namespace AsArm.Inference.Tests.Patterns;

/// <summary>Expressions that are refused: with the place, and without much work or memory.</summary>
[TestClass]
public sealed class PatternLimitTests
{
    private const long MaxBytes = 1L << 30; // allocated in all, not at once

    [TestMethod]
    [DataRow("ab(?=c)", 2, "looks around")]
    [DataRow("(?<!a)b", 0, "looks around")]
    [DataRow("a(?>b)", 1, "atomic")]
    [DataRow("(a)(?(1)b|c)", 3, "conditional")]
    [DataRow("(?<a-b>c)(?<b>d)", 0, "balancing")]
    [DataRow("a(?#note)b", 1, "comment")]
    [DataRow("(?m)^a", 0, "option other than i")]
    [DataRow("(?s:a)", 0, "option other than i")]
    [DataRow(@"(a)\1", 3, "backreference")]
    [DataRow(@"(?<n>a)\k<n>", 7, "backreference")]
    [DataRow(@"a\bb", 1, "word boundary")]
    [DataRow("a^b", 1, "anchor")]
    [DataRow("(^a)", 1, "anchor")]
    [DataRow("a$b", 1, "anchor")]
    [DataRow("[[:alpha:]]", 1, "POSIX")]
    [DataRow("x[a\U0001F600]", 3, "beyond U+FFFF")]
    [DataRow("ab(", 3, "InsufficientClosingParentheses")]
    [DataRow("ab)", 3, "InsufficientOpeningParentheses")]
    [DataRow("a**", 3, "NestedQuantifiersNotParenthesized")]
    [DataRow("a[b", 3, "UnterminatedBracket")]
    [DataRow(@"\p{Nope}", 8, "UnrecognizedUnicodeProperty")]
    [DataRow("(a{1000}){1000}", 9, "20000 states")]
    [DataRow("x(?:(?:(?:a{99}){99}){99}){99}", 16, "20000 states")]
    [DataRow("a{2147483647}", 1, "20000 states")]
    [DataRow("(?:){2147483647}", 4, "20000 states")]
    [DataRow(".*a.{30}", 0, "too complex")]
    [DataRow("(.*)(a|b)(.*){100}x.{18}y", 0, "too complex")]
    public void Compile_Unsupported_NamesThePlace(string expression, int offset, string part)
    {
        PatternException error = Assert.ThrowsExactly<PatternException>(() => PatternAutomaton.Compile(expression));
        Assert.AreEqual(offset, error.Offset, error.Message);
        Assert.Contains(part, error.Message);
    }

    public static IEnumerable<(string Name, string Expression)> Hostile =>
    [
        ("long", new string('a', 100_000)),
        ("nested groups", new string('(', 4_000) + new string(')', 4_000)),
        ("nested alternations", string.Concat(Enumerable.Repeat("(?:a|", 150)) + "b" + string.Concat(Enumerable.Repeat(")*", 150))),
        ("many branches", string.Join('|', Enumerable.Range(0, 2_400))),
        ("many different classes", string.Concat(Enumerable.Range(0, 1_100).Select(i => $"[{(char)('\u4E00' + i)}-\u9000]"))),
        ("the same class many times", string.Concat(Enumerable.Repeat(@"[\w-[a-z]]", 990))),
        ("negated classes", string.Concat(Enumerable.Repeat(@"[^\s\S]?", 1_200))),
        ("case", "(?i)" + string.Concat(Enumerable.Range(0, 9_000).Select(i => (char)('\u4E00' + i)))),
        ("stars of stars", string.Concat(Enumerable.Repeat("(?:", 190)) + "a" + string.Concat(Enumerable.Repeat(")*", 190)) + "b"),
        ("overlapping stars", string.Concat(Enumerable.Repeat("a*", 4_900)) + "b"),
        ("overlapping counts", string.Concat(Enumerable.Repeat("(?:a?){50}", 300))),
        ("subsets", string.Concat(Enumerable.Repeat("(?:.*[ab].{9}|", 90)) + "c" + new string(')', 90)),
        ("different letters", string.Concat(Enumerable.Range(0, 9_900).Select(i => (char)('\u4E00' + i)))),
    ];

    /// <summary>None takes more than its bounds: it compiles or is refused. Bounded by what it allocates, as time depends on the machine.</summary>
    [TestMethod]
    [DynamicData(nameof(Hostile))]
    public void Compile_Hostile_EndsWithinBounds(string name, string expression)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        var watch = Stopwatch.StartNew();
        string outcome;
        try
        {
            outcome = $"{PatternAutomaton.Compile(expression).StateCount} states";
        }
        catch (PatternException error)
        {
            outcome = $"{error.Message} at {error.Offset}";
        }

        Console.WriteLine($"{name}: {outcome}, {watch.ElapsedMilliseconds} ms, {(GC.GetAllocatedBytesForCurrentThread() - before) >> 20} MiB");
        Assert.IsLessThan(MaxBytes, GC.GetAllocatedBytesForCurrentThread() - before, $"{name}: {outcome}");
    }
}
