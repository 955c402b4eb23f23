using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using AsArm.Assd.Randomness;
using AsArm.Assd.Tests.Exactness;
using AsArm.Assd.Tests.Support;
using AsArm.Inference.Gaps;
using AsArm.Inference.Infilling;
using AsArm.Inference.Patterns;
using AsArm.Inference.Tests.Tokenization;
using AsArm.Inference.Text;

namespace AsArm.Inference.Tests.Infilling;

/// <summary>Word lists and excluded characters: which texts they allow, and samples against the enumerated conditional distribution.</summary>
[TestClass]
public sealed class GapConditionTests
{
    private const int Samples = 800;
    private const double MinPValue = 1e-4;

    [TestMethod]
    [DataRow("Cat", true)]
    [DataRow("the CAT, the cat!", true)]
    [DataRow("cats", false)]
    [DataRow("ca", false)]
    [DataRow("don't - the", true)]
    [DataRow("don", false)]
    [DataRow("the 'cat'", false)] // an apostrophe is of words here
    [DataRow("cat2", false)]
    [DataRow("x\u0301", true)]
    [DataRow("x\u0302", false)]
    [DataRow("cat\U0001F600", false)]
    [DataRow("", true)]
    public void WordTexts_Texts_HaveWordsOfTheList(string text, bool expected) =>
        Assert.AreEqual(expected, new WordTexts(["the", "Cat", "don't", "x\u0301"]).Matches(text));

    [TestMethod]
    public void ExcludedCharacters_EveryCharacter_IsJudgedByItsCategory()
    {
        var texts = new ExcludedCharacters(category => category is UnicodeCategory.UppercaseLetter or UnicodeCategory.OtherSymbol);
        for (int rune = 0; rune <= 0x1FFFF; rune++)
        {
            if (rune is >= 0xD800 and <= 0xDFFF)
                continue;
            bool expected = Rune.GetUnicodeCategory(new Rune(rune)) is not (UnicodeCategory.UppercaseLetter or UnicodeCategory.OtherSymbol);
            Assert.AreEqual(expected, texts.Matches("a" + new Rune(rune) + "b"), $"U+{rune:X}");
        }

        Assert.IsFalse(texts.Matches("\uD800") || texts.Matches("\uDC00") || texts.Matches("\uD800a"));
    }

    [TestMethod]
    public void Infill_OnlyWords_HasTheConditionalDistribution()
    {
        string[] words = ["cats", "dog", "doing", "do", "b", "bed"];
        Check("Tom saw <mask:3> and <mask>.", options => options with { OnlyWords = new WordList(words) }, gap => Regex.Matches(gap, "\\w+").All(word => words.Contains(word.Value)));
    }

    [TestMethod]
    public void Infill_ExcludedCharacters_HasTheConditionalDistribution() => Check(
        "Tom saw <mask:2,/cats|do.+|b[sg2.]/> and <mask>.", options => options with { ExcludedCharacters = CharacterKinds.Punctuation | CharacterKinds.Digits },
        gap => !gap.Contains('2') && !gap.Contains('.'), gaps => Regex.IsMatch(gaps[0], "^(cats|do.+|b[sg])$"));

    [TestMethod]
    public void Infill_Conditions_HoldWithPatternsAndNotForChoices()
    {
        var options = new InfillOptions { OnlyWords = new WordList(["cat", "dog"]), ExcludedCharacters = CharacterKinds.Capitals, Seed = 1 };
        InfillResult result = ConditionedTask.Infiller.Infill("A <mask:/[a-z]{3}/> and <mask:\"King|Queen\"> or <mask>.", options);
        Assert.IsTrue(result.Gaps[0].Text is "cat" or "dog");
        Assert.IsTrue(result.Gaps[1].Text is "King" or "Queen");
        Assert.DoesNotMatchRegex(new Regex("[A-Z]"), result.Gaps[2].Text);
        Assert.ThrowsExactly<InfillTextException>(() => ConditionedTask.Infiller.Infill("A <mask>.", options with { GapSpacing = GapSpacing.FromModel }));
        StringAssert.Contains(Assert.ThrowsExactly<InfillTextException>(() => ConditionedTask.Infiller.Infill("A <mask:1,/dogs/>.", options)).Message, "cannot be filled");
    }

    /// <summary>60,000 words: within the limits, and few states are shared by many words.</summary>
    [TestMethod]
    public void Create_LargeList_IsWithinTheLimits()
    {
        var random = new SplitMix64(1);
        InfillTokenizer tokenizer = Tokenizers.Stories;
        string[] words = [.. Enumerable.Range(0, 60_000).Select(_ => string.Concat(Enumerable.Range(0, random.Next(2, 9)).Select(_ => (char)('a' + random.Next(26)))))];
        long before = GC.GetAllocatedBytesForCurrentThread();
        var automaton = new TokenAutomaton(new WordList(words).Texts, tokenizer.Texts, 12);
        Assert.IsLessThan(1L << 30, GC.GetAllocatedBytesForCurrentThread() - before);
        int state = automaton.StartOf(isSpaceShown: true);
        foreach (int token in tokenizer.EncodeContinuation($" {words[0]} {words[1]}"))
            state = automaton.Next(state, token);
        Assert.IsTrue(automaton.CanEnd(state, 0));
    }

    [TestMethod]
    public void WordList_NotAList_IsRefused()
    {
        Assert.ThrowsExactly<ArgumentException>(() => new WordList([]));
        Assert.ThrowsExactly<ArgumentException>(() => new WordList(["a", ""]));
        Assert.ThrowsExactly<ArgumentException>(() => new WordList(["a b"]));
        Assert.ThrowsExactly<ArgumentException>(() => new WordList([new string('a', WordList.LimitOfCharacters), "b"]));
        Assert.ThrowsExactly<InfillTextException>(() => WordList.Read("/nowhere"));
    }

    [TestMethod]
    public void WordList_Read_TakesAWordALine()
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, "\uFEFFcat\r\n\n  dog \n");
            Assert.IsTrue(WordList.Read(path).Texts.Matches("dog cat"));
            Assert.IsFalse(WordList.Read(path).Texts.Matches("dogcat"));
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static void Check(string markup, Func<InfillOptions, InfillOptions> with, Predicate<string> isMet, Predicate<string[]>? isMetByAll = null)
    {
        var task = new ConditionedTask(markup, [" a", " cat", " do", " b", "s", "g", "ed", ".", "2"], gaps => Array.TrueForAll(gaps, isMet) && isMetByAll?.Invoke(gaps) != false);
        InfillResult[] results = task.Sample(with(task.Options) with { MaxTries = 2_000 }, Samples);
        GoodnessOfFitResult fit = task.Compare(results);
        Console.WriteLine($"{markup}: {fit}, {results.Average(result => result.Gaps[0].Conditioning!.Tries):F1} tries");
        Assert.IsGreaterThan(MinPValue, fit.PValue, fit.ToString());
        Assert.AreEqual((GapAccuracy.Exact, GapMethod.Rejection), (results[0].Gaps[0].Accuracy, results[0].Gaps[0].Method));
        GoodnessOfFitResult masked = task.Compare(task.Sample(with(task.Options) with { MaxTries = 0, Particles = 1 }, Samples));
        Assert.IsLessThan(MinPValue, masked.PValue, $"Control: masks without weights. {masked}");
    }
}
