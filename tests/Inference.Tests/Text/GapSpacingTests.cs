using System.Text;
using System.Text.RegularExpressions;
using AsArm.Assd.Distributions;
using AsArm.Inference.Infilling;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Tests.Support;
using AsArm.Inference.Tests.Tokenization;
using AsArm.Inference.Text;
using AsArm.Inference.Tokenization;
using CsCheck;

namespace AsArm.Inference.Tests.Text;

/// <summary>A space before a gap is given text and is kept, for every seed, sampler and order.</summary>
[TestClass]
public sealed partial class GapSpacingTests
{
    private static readonly InfillTokenizer s_default = InfillTokenizer.Open(ModelFolder.Open(Files.Default).TokenizerPath!, ModelFolder.Open(Files.Default).Manifest);
    private static readonly ModelManifest s_manifest = ModelFolder.Open(Files.Default).Manifest with { MaxLength = 1000 };

    /// <summary>Words before and after gaps.</summary>
    private static readonly string[] s_words =
        ["A", "day", "un", "able", ",", ".", "(", "'", "42", "x=", "<b>", "\"", "é", "鬱", "🙂", "a\u0301", "[[", "]]"];

    private static readonly string[] s_plainWords = ["A", "day", "un", "able", ",", ".", "cat", "!"];

    private static readonly string[] s_spaces = [" ", " ", " ", "  ", "   ", "\t", "\n", "\n    ", "\r\n", "\u00a0", "\u3000", "\u200b"];

    public static IEnumerable<(SamplerKind, DecodingOrder)> Samplers =>
        from sampler in Enum.GetValues<SamplerKind>()
        from order in Enum.GetValues<DecodingOrder>()
        select (sampler, order);

    public static IEnumerable<string> Names => s_tokenizers.Keys;

    private static readonly TextRules s_fast = new(SplitDigitCommas: false, KeepAccents: true)
    {
        Backend = TextRules.TokenizersBackend,
        SplitSpacesOnly = true,
        CharacterMap = true,
        AddedTokens = [],
    };

    private static readonly Dictionary<string, InfillTokenizer> s_tokenizers = new()
    {
        ["dummy prefix"] = Tokenizers.Stories,
        ["no dummy prefix"] = Tokenizers.WithoutDummyPrefix,
        ["asarm-code"] = Tokenizers.Xlnet(null, ModelManifest.CodeEncoding),
        ["text rules"] = Tokenizers.Xlnet(new TextRules()),
        ["spaces kept"] = Tokenizers.Odd(null),
        ["transformers 5"] = Tokenizers.Xlnet(s_fast),
        ["byte-level BPE"] = ByteLevelFolder.OpenTokenizer(),
    };

    /// <summary>With any allowed tokens, the gaps inserted into the input give the text.</summary>
    [TestMethod]
    [DynamicData(nameof(Names))]
    public void Fill_WithAllowedTokens_KeepsTheInputAroundTheGaps(string name)
    {
        InfillTokenizer tokenizer = s_tokenizers[name];
        Property.ForEach(
            Cases(s_words, s_spaces), sample => Assert.AreEqual(sample.Expected(Fill(sample, tokenizer, GapSpacing.AsTyped, out string text)), text, sample.Markup));
    }

    /// <summary>The decoded tokens are the shown text up to runs of white space, so scoring the filled text scores the same tokens.</summary>
    [TestMethod]
    [DataRow("dummy prefix")]
    [DataRow("no dummy prefix")]
    public void Fill_OfPlainText_ShowsTheDecodedTokens(string name)
    {
        InfillTokenizer tokenizer = s_tokenizers[name];
        Property.ForEach(
            Cases(s_plainWords, [" ", "  ", "\n", "\t"]),
            sample =>
            {
                int[] tokens = Tokens(sample, tokenizer, GapSpacing.AsTyped, out InfillText encoded);
                string decoded = tokenizer.DecodeStart(WithoutSeparator(tokens));
                Assert.AreEqual(Collapse(decoded), Collapse(encoded.Fill(encoded.DecodeGaps(tokens, All(tokens)))), sample.Markup);
            });
    }

    /// <summary>Given tokens next to a gap are those of the whole text: white space before a gap is in the first token of the gap only.</summary>
    [TestMethod]
    [DataRow("dummy prefix", "The cat\n", "")]
    [DataRow("dummy prefix", "The cat  ", " the mat")]
    [DataRow("no dummy prefix", "The cat \t", " the mat")]
    [DataRow("no dummy prefix", " ", " the mat")]
    [DataRow("text rules", "The cat\n", " the mat")]
    [DataRow("transformers 5", "The cat\n", " the mat")]
    [DataRow("transformers 5", "The cat  ", " the mat")]
    [DataRow("transformers 5", "The cat \n ", "")]
    [DataRow("transformers 5", " ", " the mat")]
    [DataRow("byte-level BPE", "The cat\n", " the mat")]
    [DataRow("byte-level BPE", "The cat  ", "\tthe mat")]
    [DataRow("byte-level BPE", "The cat \n", "\n\n  the mat")]
    [DataRow("byte-level BPE", "The cat \n\t\t", "")]
    [DataRow("byte-level BPE", "The cat \n ", " ")]
    [DataRow("byte-level BPE", " ", " the mat")]
    public void Encode_WhiteSpaceBeforeATarget_GivesTheTokensOfTheWhole(string name, string before, string after)
    {
        InfillTokenizer tokenizer = s_tokenizers[name];
        int[] whole = WithoutSeparator(InfillText.Encode($"{before}[[a]]{after}", spans: true, tokenizer, s_manifest).Tokens);
        CollectionAssert.AreEqual(tokenizer.EncodeStart($"{before}a{after}"), whole);
        int[] gap = WithoutSeparator(InfillText.Encode($"{before}<mask>{after}", spans: false, tokenizer, s_manifest).Tokens);
        Assert.HasCount(whole.Length, gap);
        int position = Array.IndexOf(gap, s_manifest.MaskId);
        gap[position] = whole[position];
        CollectionAssert.AreEqual(whole, gap);
    }

    /// <summary>A space that was moved to the gap is what the gap's first token says: it may be there or not.</summary>
    [TestMethod]
    public void Fill_OfAMovedSpace_IsThatOfTheGap()
    {
        InfillText text = InfillText.Encode("A <mask> day.", spans: false, Tokenizers.Stories, s_manifest, GapSpacing.FromModel);
        Assert.AreEqual("A dog day.", text.FillGaps(Tokenizers.Stories.EncodeContinuation(" dog")));
        Assert.AreEqual("As day.", text.FillGaps(Tokenizers.Stories.EncodeContinuation("s")));
    }

    /// <summary>Control: if the model determines spacing, typed spaces are lost and words are split.</summary>
    [TestMethod]
    public void Fill_FromModel_ChangesTheInput()
    {
        int kept = 0;
        Property.ForEach(
            Cases(s_plainWords, s_spaces), // cases without a space before a gap are kept
            sample => { kept += sample.Expected(Fill(sample, Tokenizers.Stories, GapSpacing.FromModel, out string text)) == text ? 1 : 0; },
            count: 1000);
        Assert.IsInRange(1, 900, kept);
    }

    [TestMethod]
    [DynamicData(nameof(Samplers))]
    public void Infill_SpaceBeforeAGap_IsKept(SamplerKind sampler, DecodingOrder order)
    {
        using TextInfiller infiller = TextInfiller.Open(Files.Default, new() { UseFloat32 = true });
        string text = "A <mask:2> day.  <mask> un<mask>able,\n<mask:2><mask> end";
        var random = new Random(7);
        InfillRequest[] requests = [.. Enumerable.Range(0, 40).Select(
            _ => new InfillRequest(text, new InfillOptions { Sampler = sampler, Order = order, Seed = random.Next(), Temperature = 1.5 }))];
        foreach (InfillResult result in infiller.InfillBatch(requests))
        {
            string[] gaps = [.. result.Gaps.Select(gap => gap.Text)];
            Assert.AreEqual($"A {gaps[0]} day.  {gaps[1]} un{gaps[2]}able,\n{gaps[3]}{gaps[4]} end", result.Text);
            Assert.IsFalse(gaps[0].StartsWith("  ", StringComparison.Ordinal), result.Text);
            Assert.IsFalse(gaps[2].StartsWith(' '), result.Text);
            if (sampler != SamplerKind.Parallel)
                Assert.AreEqual(infiller.JointLogProbability(result), result.Statistics.LogProbability, 1e-4);
        }
    }

    /// <summary>Control: with the same seeds, the model loses the space if it determines spacing.</summary>
    [TestMethod]
    public void Infill_AsTyped_KeepsSpacesThatTheModelLoses()
    {
        using TextInfiller infiller = TextInfiller.Open(Files.Default);
        string[] Texts(GapSpacing spacing) => [.. infiller.InfillBatch([.. Enumerable.Range(0, 200).Select(
            seed => new InfillRequest("A <mask:2> day.", new InfillOptions { Seed = seed, GapSpacing = spacing, Temperature = 1.5 }))]).Select(result => result.Text)];
        foreach (string text in Texts(GapSpacing.AsTyped))
        {
            StringAssert.StartsWith(text, "A ");
            StringAssert.EndsWith(text, " day.");
        }

        Assert.Contains(text => !text.StartsWith("A ", StringComparison.Ordinal), Texts(GapSpacing.FromModel));
    }

    /// <summary>If the shown text has the generated tokens, its score is their log-probability.</summary>
    [TestMethod]
    [DataRow("A <mask:2> day.")]
    [DataRow("A  <mask:2> day.")]
    [DataRow("A   <mask:2>  day.")]
    [DataRow("A day\n<mask:2> day.")]
    [DataRow("He was un<mask:2> to do it.")]
    [DataRow("<mask:2> was here.")]
    [DataRow(" <mask:2> was here.")]
    public void Score_OfTheShownText_EqualsTheLogProbability(string text)
    {
        using TextInfiller infiller = TextInfiller.Open(Files.Default, new() { UseFloat32 = true });
        int compared = 0;
        for (int seed = 0; seed < 30; seed++)
        {
            InfillResult result = infiller.Infill(text, new InfillOptions { Seed = seed });
            string marked = text.Replace("<mask:2>", $"[[{result.Gaps[0]}]]", StringComparison.Ordinal);
            if (result.Gaps[0].Text.Contains(']') || !SameTokens(marked, result))
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
        double unrestricted = infiller.Score("The cat[[ sat]] on the mat.").LogProbability, given = infiller.Score("The cat [[sat]] on the mat.").LogProbability;
        Assert.IsLessThan(given, unrestricted);
        Assert.IsGreaterThan(0.9, Math.Exp(unrestricted - given));
    }

    private static bool SameTokens(string marked, InfillResult result)
    {
        try
        {
            return InfillText.Encode(marked, spans: true, s_default, s_manifest).Tokens.SequenceEqual(result.Sequences.Single().Tokens);
        }
        catch (InfillTextException)
        {
            return false; // an empty gap, or one of white space
        }
    }

    /// <summary>Fills the gaps with random tokens that are allowed at their positions.</summary>
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
            int token = random.Next(tokenizer.VocabularySize);
            if (tokenizer.IsText(token) && banned?.Contains(token) != true)
                return token;
        }
    }

    private static int[] WithoutSeparator(int[] tokens) => tokens[0] == s_manifest.SeparatorId ? tokens[1..] : tokens;

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

    /// <summary>A random text with gaps.</summary>
    /// <param name="Parts">Literals; null for gaps.</param>
    /// <param name="Sizes">Sizes of the gaps, in tokens.</param>
    /// <param name="Seed">Seed of the tokens that fill them.</param>
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
