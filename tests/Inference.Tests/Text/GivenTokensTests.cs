using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Assd.Samplers;
using AsArm.Inference.Infilling;
using AsArm.Inference.Tests.Support;
using AsArm.Inference.Text;

namespace AsArm.Inference.Tests.Text;

/// <summary>Prompts with token ids, which are evaluated exactly as they are.</summary>
[TestClass]
public sealed class GivenTokensTests
{
    private const int Start = 1; // <s>

    private static readonly TextInfiller s_infiller = TextInfiller.Open(Files.Text);

    private static InfillTokenizer Tokenizer => s_infiller.InfillTokenizer;

    private static int Separator => s_infiller.Folder.Manifest.SeparatorId;

    private static int[] Canonical => Tokenizer.EncodeStart("The dog ran");

    /// <summary>The same text in other tokens.</summary>
    private static int[] Divided => [.. Tokenizer.EncodeStart("The d"), .. Tokenizer.EncodeContinuation("o"), .. Tokenizer.EncodeContinuation("g r"), .. Tokenizer.EncodeContinuation("a"), .. Tokenizer.EncodeContinuation("n")];

    [ClassCleanup]
    public static void CloseModel() => s_infiller.Dispose();

    /// <summary>The control: the same text in the tokenizer's own tokens has another density.</summary>
    [TestMethod]
    public void Score_OfTokens_IsTheDensityOfExactlyThese()
    {
        Assert.AreEqual(Tokenizer.DecodeStart(Canonical), Tokenizer.DecodeStart(Divided));
        foreach (int[] tokens in new[] { Canonical, Divided, Divided[1..], [.. Divided.Reverse()] })
        {
            ScoreResult score = s_infiller.Score(new ScorePrompt().AddTokenSpan(tokens));
            AssertScores(Density([Separator, .. tokens], given: 1), score);
            CollectionAssert.AreEqual(tokens, score.Spans[0].TokenScores.Select(token => token.Id).ToArray());
            Assert.AreEqual(Tokenizer.DecodeStart(tokens), score.Spans[0].Text);
            Assert.AreEqual(score.Spans[0].Text, string.Concat(score.Spans[0].TokenScores.Select(token => token.Text)));
        }

        Assert.AreNotEqual(LogProbabilityOf(Canonical), LogProbabilityOf(Divided), 0.1);
    }

    /// <summary>Special tokens at the start are given; the separator is the one that a text has without them.</summary>
    [TestMethod]
    public void Score_AfterSpecialTokens_IsGivenThem()
    {
        ScoreResult separated = s_infiller.Score(new ScorePrompt().AddTokens([Separator]).AddTokenSpan(Divided));
        Assert.AreEqual(LogProbabilityOf(Divided), separated.LogProbability, 1e-6);
        ScoreResult started = s_infiller.Score(new ScorePrompt().AddTokens([Start, Start]).AddTokenSpan(Divided));
        AssertScores(Density([Start, Start, .. Divided], given: 2), started);
        Assert.AreNotEqual(separated.LogProbability, started.LogProbability, 0.01);
        Assert.AreEqual("The dog ran", started.Spans[0].Text);
        ScoreResult second = s_infiller.Score(new ScorePrompt().AddTokens(Divided[..3]).AddTokenSpan(Divided[3..]));
        AssertScores(Density(Divided, given: 3), second);
    }

    /// <summary>Those of a text, but for the first one, in whose place a text allows only tokens that begin with a word.</summary>
    [TestMethod]
    public void Score_OfTheTokensOfAText_IsThatOfTheText()
    {
        IReadOnlyList<TokenScore> text = s_infiller.Score("[[The dog ran]]").Spans[0].TokenScores, tokens = s_infiller.Score(new ScorePrompt().AddTokenSpan(Canonical)).Spans[0].TokenScores;
        Assert.HasCount(text.Count, tokens);
        foreach ((TokenScore expected, TokenScore actual) in text.Zip(tokens).Skip(1))
            Assert.AreEqual(expected.LogProbability, actual.LogProbability, 1e-5);
        Assert.IsLessThan(text[0].LogProbability, tokens[0].LogProbability);
    }

    /// <summary>All tokens may follow, with probabilities that add up to 1 and are those of the scores.</summary>
    [TestMethod]
    public async Task Candidates_AfterTokens_AreADistribution()
    {
        IReadOnlyList<TokenCandidate> all = (await s_infiller.CandidatesAsync(new InfillPrompt().AddTokens(Divided).AddGap(), new CandidateOptions { Count = int.MaxValue }))[0];
        Assert.HasCount(Tokenizer.TextTokenCount, all);
        Assert.AreEqual(1, all.Sum(one => one.Probability), 1e-5);
        foreach (TokenCandidate one in new[] { all[0], all[7], all[^1] })
            Assert.AreEqual(Math.Log(one.Probability), s_infiller.Score(new ScorePrompt().AddTokens(Divided).AddTokenSpan([one.Id])).LogProbability, 1e-4);
    }

    [TestMethod]
    public void Infill_AfterTokens_SeesThemAsTheyAre()
    {
        InfillPrompt prompt = new InfillPrompt().AddTokens([Start, .. Divided]).AddGap(2).AddText(" home.");
        TokenCount count = Tokenizer.CountTokens(prompt, out int[] tokens);
        int mask = s_infiller.Folder.Manifest.MaskId;
        CollectionAssert.AreEqual((int[])[Start, .. Divided, mask, mask, .. Tokenizer.EncodeContinuation(" home.")], tokens);
        Assert.AreEqual(0, count.Separator);
        InfillResult result = s_infiller.Infill(prompt, new InfillOptions { Seed = 4 });
        Assert.AreEqual($"<s>The dog ran{result.Gaps[0].Text} home.", result.Text);
        int[] filling = [.. result.Gaps[0].Tokens.Select(token => token.Id)];
        ScoreResult score = s_infiller.Score(new ScorePrompt().AddTokens([Start, .. Divided]).AddTokenSpan(filling).AddText(" home."));
        Assert.AreEqual(score.LogProbability, result.Gaps[0].LogProbability, 1e-4);
        ScoreResult other = s_infiller.Score(new ScorePrompt().AddTokens([Start, .. Canonical]).AddTokenSpan(filling).AddText(" home."));
        Assert.AreNotEqual(score.LogProbability, other.LogProbability, 0.01, "The control: the tokens matter, not their text.");
    }

    /// <summary>After tokens the model decides on the space, as it does after a text if it is asked to.</summary>
    [TestMethod]
    [DataRow(4, 4)]
    [DataRow(1, 3)]
    public void Infill_AfterTheTokensOfAText_IsThatOfTheText(int least, int most)
    {
        InfillPrompt text = new InfillPrompt().AddText("The dog ran").AddGap(GapSpecification.Tokens(least, most)).AddText(" home.");
        InfillPrompt tokens = new InfillPrompt().AddTokens(Canonical).AddGap(GapSpecification.Tokens(least, most)).AddText(" home.");
        for (int seed = 1; seed <= 3; seed++)
        {
            string expected = s_infiller.Infill(text, new InfillOptions { Seed = seed, GapSpacing = GapSpacing.FromModel }).Text;
            Assert.AreEqual(expected, s_infiller.Infill(tokens, new InfillOptions { Seed = seed }).Text);
        }
    }

    /// <summary>Their markup is the same: a batch that kept the encoding of the request before would fill the same text twice.</summary>
    [TestMethod]
    public void Infill_BatchOfTokens_FillsEachAfterItsOwn()
    {
        InfillRequest[] requests = [.. new[] { Divided, Canonical, [Start] }.Select(tokens => new InfillRequest(new InfillPrompt().AddTokens(tokens).AddGap(2), new InfillOptions { Seed = 3 }))];
        InfillResult[] results = [.. s_infiller.InfillMany(requests)];
        Assert.HasCount(3, results);
        foreach ((InfillResult result, string start) in results.Zip(["The dog ran", "The dog ran", "<s>"]))
            Assert.AreEqual(start + result.Gaps[0].Text, result.Text);
        Assert.AreEqual(3, results.Select(result => result.Statistics.LogProbability).Distinct().Count());
    }

    /// <summary>After special tokens a text begins as at the start, and a text after tokens continues them.</summary>
    [TestMethod]
    public void Text_AfterTokens_ContinuesThem()
    {
        Tokenizer.CountTokens(new InfillPrompt().AddTokens([Start]).AddText("The dog"), out int[] started);
        CollectionAssert.AreEqual((int[])[Start, .. Tokenizer.EncodeStart("The dog")], started);
        Tokenizer.CountTokens(new InfillPrompt().AddTokens(Divided).AddText(" home"), out int[] continued);
        CollectionAssert.AreEqual((int[])[.. Divided, .. Tokenizer.EncodeContinuation(" home")], continued);
    }

    [TestMethod]
    public void AddTokens_None_AddsNoSegment()
    {
        Assert.IsEmpty(new InfillPrompt().AddTokens([]).Segments);
        Assert.HasCount(1, new InfillPrompt().AddTokens([]).AddText("The").Segments);
    }

    [TestMethod]
    public void Tokens_ThatCannotBe_AreRefused()
    {
        Assert.ThrowsExactly<InvalidOperationException>(() => new InfillPrompt().AddText("The ").AddTokens([20]));
        Assert.ThrowsExactly<InvalidOperationException>(() => new ScorePrompt().AddSpan("The").AddTokenSpan([20]));
        int mask = s_infiller.Folder.Manifest.MaskId, size = s_infiller.Model.VocabularySize;
        foreach ((ScorePrompt prompt, string message) in new[]
        {
            (new ScorePrompt().AddTokens([mask]).AddTokenSpan([20]), "mask"),
            (new ScorePrompt().AddTokenSpan([-1]), $"from 0 to {size - 1}"),
            (new ScorePrompt().AddTokenSpan([size]), $"from 0 to {size - 1}"),
            (new ScorePrompt().AddTokenSpan([20, Start]), "not text"),
            (new ScorePrompt().AddTokenSpan([]), "no token"),
            (new ScorePrompt().AddTokenSpan(Enumerable.Repeat(20, 200)), "201 tokens"),
        })
            Assert.Contains(message, Assert.ThrowsExactly<InfillTextException>(() => s_infiller.Score(prompt)).Message);
        InfillPrompt tokens = new InfillPrompt().AddTokens(Divided);
        foreach ((InfillPrompt prompt, InfillOptions options, string where) in new[]
        {
            (new InfillPrompt().AddTokens(Enumerable.Repeat(20, 200)).AddGap(), new InfillOptions { Window = true }, "in windows"),
            (new InfillPrompt().AddTokens(Divided).AddGap(GapSpecification.OneOf("a", "b")), new InfillOptions(), "beside choices"),
            (tokens.AddGap(), new InfillOptions { MinProbability = 0.5 }, "with a minimum probability"),
        })
            Assert.Contains(where, Assert.ThrowsExactly<InfillTextException>(() => s_infiller.Infill(prompt, options)).Message);
    }

    private static double LogProbabilityOf(int[] tokens) => s_infiller.Score(new ScorePrompt().AddTokenSpan(tokens)).LogProbability;

    /// <summary>The log-probability of each token after the given ones, by the network alone.</summary>
    private static double[] Density(int[] tokens, int given)
    {
        double[] logs = [];
        var options = new SamplingOptions { BannedTokens = s_infiller.Setting.Banned };
        bool[] isGiven = [.. Enumerable.Range(0, tokens.Length).Select(at => at < given)];
        s_infiller.RunExclusive(model => logs = JointDensity.LogProbabilities(model, Order.LeftToRight(isGiven), tokens, options));
        return logs;
    }

    private static void AssertScores(double[] expected, ScoreResult score)
    {
        Assert.HasCount(expected.Length, score.Spans[0].TokenScores);
        foreach ((double log, TokenScore token) in expected.Zip(score.Spans[0].TokenScores))
            Assert.AreEqual(log, token.LogProbability, 1e-5);
        Assert.AreEqual(expected.Sum(), score.LogProbability, 1e-4);
    }
}
