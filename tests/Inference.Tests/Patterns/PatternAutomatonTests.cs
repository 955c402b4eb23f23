using System.Text.RegularExpressions;
using AsArm.Inference.Patterns;

namespace AsArm.Inference.Tests.Patterns;

[TestClass]
public sealed class PatternAutomatonTests
{
    private const int Expressions = 4_000;
    private const int Texts = 60;

    /// <summary>The same texts match as with the engine of .NET that does not backtrack.</summary>
    [TestMethod]
    public void Matches_RandomExpressions_AgreesWithNonBacktracking()
    {
        int matches = 0, compared = 0;
        for (int seed = 0; seed < Expressions; seed++)
        {
            var random = new RandomPattern(seed);
            string expression = random.Expression();
            if (Compile(expression) is not PatternAutomaton automaton)
                continue;
            var reference = new Regex($@"\A(?:{expression})\z", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
            foreach (string text in Enumerable.Range(0, Texts).Select(_ => random.Text()))
            {
                bool expected = reference.IsMatch(text);
                Assert.AreEqual(expected, automaton.Matches(text), $"/{Regex.Escape(expression)}/ on '{Regex.Escape(text)}'");
                (matches, compared) = (matches + (expected ? 1 : 0), compared + 1);
            }
        }

        Assert.IsGreaterThan(Expressions * Texts / 2, compared);
        Assert.IsGreaterThan(compared / 50, matches);
        Assert.IsLessThan(compared, matches);
    }

    [TestMethod]
    [DataRow("", "", "a")]
    [DataRow("a|b", "b", "ab")]
    [DataRow("^a$|^b$", "a", "ab")]
    [DataRow(".", "a", "\n")]
    [DataRow("(?i)ja|nein", "NEIN", "neinn")]
    [DataRow("(?:\U0001F600|x)+", "x\U0001F600", "\uD83D")]
    [DataRow("[A-Z][a-z]+( [A-Z][a-z]+)*", "Anna Lena", "Anna  Lena")]
    [DataRow("(a{3}){3}", "aaaaaaaaa", "aaaaaaaa")]
    [DataRow("(a*)*b", "aaab", "aaa")]
    public void Matches_Texts_WholeOnly(string expression, string matching, string other)
    {
        var automaton = PatternAutomaton.Compile(expression);
        Assert.IsTrue(automaton.Matches(matching));
        Assert.IsFalse(automaton.Matches(other));
    }

    /// <summary>Where a class ends, and what is subtracted from it, is as in .NET.</summary>
    [TestMethod]
    [DataRow(@"[\\-[a]]")]
    [DataRow(@"[+--[b]]")]
    [DataRow(@"[%--[b]]?")]
    [DataRow(@"[a\-[b]]")]
    [DataRow(@"[\d-[5]]")]
    [DataRow(@"[a-z-[aeiou-[e]]]+")]
    [DataRow(@"[]-a]")]
    [DataRow(@"[^]-a]")]
    [DataRow(@"[a-]")]
    [DataRow(@"[-[a]]")]
    [DataRow(@"[\]-a][[-b]")]
    [DataRow(@"[\cA-[b]]")]
    [DataRow(@"[\p{L}--[a]]")]
    [DataRow(@"[+-\x41--[b]]")]
    [DataRow(@"[+-\u0041--[b]]")]
    [DataRow(@"[+-\101--[b]]")]
    public void Matches_Classes_AsInDotNet(string expression)
    {
        PatternAutomaton automaton = PatternAutomaton.Compile(expression);
        var reference = new Regex($@"\A(?:{expression})\z", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        string[] one = [.. "abe5[]-+%\\^_`\u0001,.".Select(character => character.ToString())];
        foreach (string text in one.SelectMany(first => one.Select(second => first + second)).Concat(one).Append(""))
            Assert.AreEqual(reference.IsMatch(text), automaton.Matches(text), $"'{Regex.Escape(text)}'");
    }

    /// <summary>A class without characters, and what follows from it, matches nothing: the start is dead.</summary>
    [TestMethod]
    [DataRow("[a-[a]]")]
    [DataRow("a[a-[a]]|b[^\\w\\W]")]
    public void Compile_EmptyLanguage_HasADeadStart(string expression) => Assert.AreEqual(TextAutomaton.Dead, PatternAutomaton.Compile(expression).Start);

    /// <summary>States from which nothing can match are dead at once.</summary>
    [TestMethod]
    public void Next_IntoADeadEnd_IsDead()
    {
        var automaton = PatternAutomaton.Compile("ab|ac[a-[a]]");
        int state = automaton.Next(automaton.Start, 'a');
        Assert.AreEqual(TextAutomaton.Dead, automaton.Next(state, 'c'));
        Assert.AreNotEqual(TextAutomaton.Dead, automaton.Next(state, 'b'));
    }

    private static PatternAutomaton? Compile(string expression)
    {
        try
        {
            return PatternAutomaton.Compile(expression);
        }
        catch (PatternException error) when (error.Message.StartsWith("is malformed", StringComparison.Ordinal))
        {
            return null;
        }
    }
}
