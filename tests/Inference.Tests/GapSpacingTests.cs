using System.Text;
using System.Text.RegularExpressions;
using AsArm.Assd;
using CsCheck;

namespace AsArm.Inference.Tests;

/// <summary>The space that was typed before a gap is given text: it stays, for every seed, sampler and order.</summary>
[TestClass]
public sealed partial class GapSpacingTests
{
    private const int Texts = 10_000;

    private static readonly ModelManifest s_manifest = ModelFolder.Open(Files.Default).Manifest with { MaximumLength = 1000 };

    /// <summary>Where a gap's text begins, in words: what stands before it.</summary>
    private static readonly string[] s_words =
        ["A", "day", "un", "able", ",", ".", "(", "'", "42", "x=", "<b>", "\"", "é", "鬱", "🙂", "a\u0301", "[[", "]]"];

    private static readonly string[] s_plainWords = ["A", "day", "un", "able", ",", ".", "cat", "!"];

    private static readonly string[] s_spaces = [" ", " ", " ", "  ", "   ", "\t", "\n", "\n    ", "\r\n", "\u00a0", "\u3000", "\u200b"];

    public static IEnumerable<(SamplerKind, DecodingOrder)> Samplers =>
        from sampler in Enum.GetValues<SamplerKind>()
        from order in Enum.GetValues<DecodingOrder>()
        select (sampler, order);

    public static IEnumerable<string> Names => s_tokenizers.Keys;

    private static readonly Dictionary<string, InfillTokenizer> s_tokenizers = new()
    {
        ["dummy prefix"] = Tokenizers.Stories,
        ["no dummy prefix"] = Tokenizers.WithoutDummyPrefix,
        ["asarm-code"] = Tokenizers.Xlnet(null, ModelManifest.CodeEncoding),
        ["text rules"] = Tokenizers.Xlnet(new TextRules()),
        ["spaces kept"] = Tokenizers.Odd(null),
    };

    /// <summary>Whatever allowed tokens fill the gaps: the gaps, inserted into the input, give the text.</summary>
    [TestMethod]
    [DynamicData(nameof(Names))]
    public void Fill_WithAllowedTokens_KeepsTheInputAroundTheGaps(string name)
    {
        InfillTokenizer tokenizer = s_tokenizers[name];
        Cases(s_words, s_spaces).Sample(
            sample => Assert.AreEqual(sample.Expected(Fill(sample, tokenizer, GapSpacing.AsTyped, out string text)), text), iter: Texts);
    }

    /// <summary>What the network sees is what is shown, up to runs of white space; so a score of the filled text is one of what was drawn.</summary>
    [TestMethod]
    [DataRow("dummy prefix")]
    [DataRow("no dummy prefix")]
    public void Fill_OfPlainText_ShowsTheTokensOfTheWhole(string name)
    {
        InfillTokenizer tokenizer = s_tokenizers[name];
        Cases(s_plainWords, [" ", "  ", "\n", "\t"]).Sample(
            sample =>
            {
                int[] tokens = Tokens(sample, tokenizer, GapSpacing.AsTyped, out InfillText encoded);
                string seen = tokenizer.DecodeStart(tokens[0] == s_manifest.SeparatorId ? tokens[1..] : tokens);
                Assert.AreEqual(Collapse(seen), Collapse(encoded.Fill(encoded.DecodeGaps(tokens, All(tokens)))), sample.Markup);
            },
            iter: Texts);
    }

    /// <summary>Control: where the model decides, typed spaces are lost and words are torn apart.</summary>
    [TestMethod]
    public void Fill_FromModel_DoesNot()
    {
        int kept = 0;
        Cases(s_plainWords, s_spaces).Sample( // many have no space before a gap
            sample => { kept += sample.Expected(Fill(sample, Tokenizers.Stories, GapSpacing.FromModel, out string text)) == text ? 1 : 0; },
            iter: 1000, threads: 1);
        Assert.IsInRange(1, 900, kept);
    }

    [TestMethod]
    [DynamicData(nameof(Samplers))]
    public void Infill_SpaceBeforeAGap_Stays(SamplerKind sampler, DecodingOrder order)
    {
        using TextInfiller infiller = TextInfiller.Open(Files.Default);
        string text = "A <mask:2> day.  <mask> un<mask>able,\n<mask:2><mask> end";
        var random = new Random(7);
        InfillRequest[] requests = [.. Enumerable.Range(0, 40).Select(
            _ => new InfillRequest(text, new InfillOptions { Sampler = sampler, Order = order, Seed = random.Next(), Temperature = 1.5 }))];
        foreach (InfillResult result in infiller.InfillBatch(requests))
        {
            string[] gaps = [.. result.Gaps];
            Assert.AreEqual($"A {gaps[0]} day.  {gaps[1]} un{gaps[2]}able,\n{gaps[3]}{gaps[4]} end", result.Text);
            Assert.IsFalse(gaps[0].StartsWith("  ", StringComparison.Ordinal), result.Text);
            Assert.IsFalse(gaps[2].StartsWith(' '), result.Text);
            if (sampler != SamplerKind.Parallel)
                Assert.AreEqual(infiller.JointLogProbability(result), result.Statistics.LogProbability, 1e-4);
        }
    }

    /// <summary>A seed of the trial: the typed space was lost with it.</summary>
    [TestMethod]
    public void Infill_SeedThatLostTheSpace_KeepsIt()
    {
        using TextInfiller infiller = TextInfiller.Open(Files.Default);
        InfillResult result = infiller.Infill("A <mask:2> day.", new InfillOptions { Seed = 335800364 });
        StringAssert.StartsWith(result.Text, "A ");
        StringAssert.EndsWith(result.Text, " day.");
        Assert.AreEqual(
            "Akin day.", infiller.Infill("A <mask:2> day.", new InfillOptions { Seed = 335800364, GapSpacing = GapSpacing.FromModel }).Text);
    }

    /// <summary>Wherever the shown text has the tokens that were drawn, its score is the log-probability of the draw.</summary>
    [TestMethod]
    [DataRow("A <mask:2> day.")]
    [DataRow("A  <mask:2> day.")]
    [DataRow("A   <mask:2>  day.")]
    [DataRow("A day\n<mask:2> day.")]
    [DataRow("He was un<mask:2> to do it.")]
    [DataRow("<mask:2> was here.")]
    [DataRow(" <mask:2> was here.")]
    public void Score_OfTheShownText_IsTheLogProbability(string text)
    {
        using TextInfiller infiller = TextInfiller.Open(Files.Default);
        int compared = 0;
        for (int seed = 0; seed < 30; seed++)
        {
            InfillResult result = infiller.Infill(text, new InfillOptions { Seed = seed });
            string marked = text.Replace("<mask:2>", $"[[{result.Gaps[0]}]]", StringComparison.Ordinal);
            if (result.Gaps[0].Contains(']') || !SameTokens(marked, result))
                continue;
            Assert.AreEqual(result.Statistics.LogProbability, infiller.Score(marked).LogProbability, 1e-4, marked);
            compared++;
        }

        Assert.IsGreaterThan(10, compared);
    }

    [TestMethod]
    public void Score_SpanThatBeginsWithASpace_IsNotRestricted()
    {
        using TextInfiller infiller = TextInfiller.Open(Files.Default);
        double free = infiller.Score("The cat[[ sat]] on the mat.").LogProbability, given = infiller.Score("The cat [[sat]] on the mat.").LogProbability;
        Assert.IsLessThan(given, free);
        Assert.IsGreaterThan(0.99, Math.Exp(free - given));
    }

    private static bool SameTokens(string marked, InfillResult result)
    {
        try
        {
            return InfillText.Encode(marked, spans: true, Tokenizers.Stories, s_manifest).Tokens.SequenceEqual(result.Sequences.Single().Tokens);
        }
        catch (InfillTextException)
        {
            return false; // an empty gap, or one of white space
        }
    }

    /// <summary>The gaps of a text filled with random tokens, of which the first are allowed by the text.</summary>
    private static string[] Fill(Case sample, InfillTokenizer tokenizer, GapSpacing spacing, out string text)
    {
        int[] tokens = Tokens(sample, tokenizer, spacing, out InfillText encoded);
        string[] gaps = encoded.DecodeGaps(tokens, All(tokens));
        text = encoded.Fill(gaps);
        return gaps;
    }

    private static int[] Tokens(Case sample, InfillTokenizer tokenizer, GapSpacing spacing, out InfillText encoded)
    {
        encoded = InfillText.Encode(sample.Markup, spans: false, tokenizer, s_manifest, spacing);
        int[] tokens = encoded.Tokens;
        bool[] given = encoded.Given;
        var random = new Random(sample.Seed);
        for (int position = 0; position < tokens.Length; position++)
        {
            if (!given[position])
                tokens[position] = Draw(random, tokenizer, encoded.BannedAt.GetValueOrDefault(position));
        }

        return tokens;
    }

    private static int Draw(Random random, InfillTokenizer tokenizer, TokenSet? banned)
    {
        while (true)
        {
            int token = random.Next(s_manifest.VocabularySize);
            if (tokenizer.IsText(token) && banned?.Contains(token) != true)
                return token;
        }
    }

    private static bool[] All(int[] tokens) => [.. Enumerable.Repeat(true, tokens.Length)];

    private static string Collapse(string text) => Runs().Replace(text, " ").Trim();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Runs();

    private static Gen<Case> Cases(string[] words, string[] spaces) =>
        Gen.Select(
            Gen.Select(Gen.Int[0, 3], Gen.Int[0, words.Length - 1], Gen.Int[0, spaces.Length - 1], Gen.Int[1, 3]).Array[1, 8],
            Gen.Int,
            (parts, seed) => new Case([.. parts.Select(part => part.Item1 switch { 0 => words[part.Item2], 1 => spaces[part.Item3], _ => null })], [.. parts.Select(part => part.Item4)], seed))
        .Where(sample => sample.Parts.Contains(null));

    /// <summary>A text in pieces.</summary>
    /// <param name="Parts">Literals; null for gaps.</param>
    /// <param name="Sizes">Of the gaps, in tokens.</param>
    /// <param name="Seed">Of the tokens that fill them.</param>
    internal sealed record Case(string?[] Parts, int[] Sizes, int Seed)
    {
        public string Markup => string.Concat(Parts.Zip(Sizes, (part, size) => part is null ? $"<mask:{size}>" : part.Replace("<", @"\<", StringComparison.Ordinal)));

        /// <summary>The input with its gaps replaced.</summary>
        public string Expected(string[] gaps)
        {
            var text = new StringBuilder();
            int next = 0;
            foreach (string? part in Parts)
                text.Append(part is null ? gaps[next++] : part);
            return text.ToString();
        }

        public override string ToString() => Markup;
    }
}
