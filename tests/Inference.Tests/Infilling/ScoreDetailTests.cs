using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Assd.Samplers;
using AsArm.Inference.Infilling;
using AsArm.Inference.Tests.Support;
using AsArm.Inference.Text;

namespace AsArm.Inference.Tests.Infilling;

/// <summary>Words, entropies and pseudo-log-likelihoods of scored spans.</summary>
[TestClass]
public sealed class ScoreDetailTests
{
    private const string Text = "[[The little]] dog ran [[into the garden, barking]] loudly.";

    private static readonly TextInfiller s_infiller = TextInfiller.Open(Files.Text);

    [ClassCleanup]
    public static void CloseModel() => s_infiller.Dispose();

    /// <summary>A word is what stands between white space, wherever the tokenizer cuts it.</summary>
    [TestMethod]
    [DataRow("[[The little]] dog ran [[into the garden, barking]] loudly.", "The|little", "into|the|garden,|barking")]
    [DataRow("[[ A  wide   gap ]]", "A|wide|gap")]
    [DataRow("un[[believab]]le", "believab")]
    [DataRow("[[x]]", "x")]
    public void Words_OfASpan_AreItsTokensByWhiteSpace(string text, params string[] expected)
    {
        ScoreResult score = s_infiller.Score(text);
        CollectionAssert.AreEqual(expected, score.Spans.Select(span => string.Join('|', span.Words.Select(word => word.Text))).ToArray());
        foreach (SpanScore span in score.Spans)
        {
            Assert.AreEqual(span.LogProbability, span.Words.Sum(word => word.LogProbability), 1e-9);
            Assert.AreEqual(span.Tokens, span.Words.Sum(word => word.Tokens));
        }
    }

    /// <summary>The most probable tokens in the place of each are those of the distribution that its log-probability is of.</summary>
    [TestMethod]
    public void TopTokens_OfSpans_AreOfTheSameDistribution()
    {
        string filling = s_infiller.Infill("The <mask:3> ran.", new InfillOptions { Temperature = 0 }).Gaps[0].Text; // probable tokens
        ScorePrompt prompt = new ScorePrompt().AddText("The ").AddSpan(filling).AddText(" ran.");
        TokenScore[] tokens = [.. s_infiller.Score(prompt, new ScoreOptions { TopTokens = 40 }).Spans.SelectMany(span => span.TokenScores)];
        int found = 0;
        foreach (TokenScore token in tokens)
        {
            double[] logs = [.. token.TopTokens.Select(one => one.LogProbability)];
            Assert.HasCount(40, logs);
            CollectionAssert.AreEqual(logs.OrderDescending().ToArray(), logs);
            Assert.IsLessThanOrEqualTo(logs[0] + 1e-5, token.LogProbability);
            if (token.TopTokens.FirstOrDefault(one => one.Id == token.Id) is { } same)
            {
                Assert.AreEqual(token.LogProbability, same.LogProbability, 1e-5);
                found++;
            }
        }

        Assert.IsGreaterThan(0, found);
        Assert.IsEmpty(s_infiller.Score(Text).Spans[0].TokenScores[0].TopTokens);
    }

    /// <summary>Each is the conditional of one token with all others given, those of all spans included; it differs from the joint one except in a single token.</summary>
    [TestMethod]
    public void PseudoLogLikelihood_OfSpans_GivesEachTokenAllOthers()
    {
        ScoreResult score = s_infiller.Score(ScorePrompt.Parse(Text), new ScoreOptions { PseudoLogLikelihood = true });
        TokenScore[] tokens = [.. score.Spans.SelectMany(span => span.TokenScores)];
        InfillText encoded = new SegmentEncoder(s_infiller.InfillTokenizer, s_infiller.Folder.Manifest, GapSpacing.AsTyped).Encode(ScorePrompt.Parse(Text).Segments);
        int[] targets = [.. encoded.Given.Index().Where(entry => !entry.Item).Select(entry => entry.Index)];
        Assert.HasCount(targets.Length, tokens);
        double sum = 0;
        foreach ((int position, TokenScore token) in targets.Zip(tokens))
        {
            bool[] given = [.. Enumerable.Range(0, encoded.Tokens.Length).Select(at => at != position)];
            var options = new SamplingOptions { BannedTokens = s_infiller.Setting.Banned, BannedTokensAt = encoded.BannedAt };
            double[] expected = [];
            s_infiller.RunExclusive(model => expected = JointDensity.LogProbabilities(model, Order.LeftToRight(given), encoded.Tokens, options));
            Assert.AreEqual(expected.Single(), token.PseudoLogProbability!.Value, 1e-5);
            sum += expected[0];
        }

        Assert.AreEqual(sum, score.PseudoLogLikelihood!.Value, 1e-4);
        Assert.AreEqual(sum, score.Spans.Sum(span => span.PseudoLogLikelihood!.Value), 1e-4);
        Assert.AreEqual(sum, score.Spans.SelectMany(span => span.Words).Sum(word => word.PseudoLogLikelihood!.Value), 1e-4);
        Assert.IsGreaterThan(0.01, Math.Abs(score.LogProbability - sum), "It is not the joint log-probability.");
        Assert.AreEqual(s_infiller.Score(Text).LogProbability, score.LogProbability, 1e-6, "That does not change.");
    }

    [TestMethod]
    public async Task PseudoLogLikelihood_OfOneToken_IsItsLogProbability()
    {
        var options = new ScoreOptions { PseudoLogLikelihood = true };
        IReadOnlyList<TokenCandidate> candidates = (await s_infiller.CandidatesAsync("A <mask> day.", new CandidateOptions { Count = 50 })).Single();
        ScoreResult score = candidates.Where(one => one.Text.All(char.IsAsciiLetter)).Select(one => s_infiller.Score(ScorePrompt.Parse($"A [[{one.Text}]] day."), options)).First(one => one.Tokens == 1);
        Assert.AreEqual(score.LogProbability, score.PseudoLogLikelihood!.Value, 1e-6);
    }

    /// <summary>The sequences of the tokens share forward passes with each other and with the joint one.</summary>
    [TestMethod]
    public void PseudoLogLikelihood_OfManyTokens_IsBatched()
    {
        GatedModel? gate = null;
        using TextInfiller infiller = TextInfiller.Open(Files.Text, new TextInfillerOptions(), model => gate = new GatedModel(model));
        gate!.Open();
        int tokens = infiller.Score(ScorePrompt.Parse(Text), new ScoreOptions { PseudoLogLikelihood = true }).Tokens;
        Assert.AreEqual(1 + tokens, gate.BatchSizes.Sum());
        Assert.HasCount((1 + tokens + 15) / 16, gate.BatchSizes);
    }

    [TestMethod]
    public void Score_WithoutOptions_HasNeither()
    {
        ScoreResult score = s_infiller.Score(Text);
        Assert.IsNull(score.PseudoLogLikelihood);
        Assert.IsTrue(score.Spans.All(span => span.PseudoLogLikelihood is null && span.Words.All(word => word.PseudoLogLikelihood is null)));
        Assert.IsTrue(score.Spans.SelectMany(span => span.TokenScores).All(token => token.Entropy is null));
    }

    /// <summary>The entropy of a single token is that of its candidates.</summary>
    [TestMethod]
    public async Task Entropy_OfAToken_IsThatOfItsDistribution()
    {
        ScoreResult score = s_infiller.Score(ScorePrompt.Parse("The [[dog]] sat."), new ScoreOptions { Entropies = true });
        IReadOnlyList<TokenScore> tokens = score.Spans[0].TokenScores;
        string rest = string.Concat(Enumerable.Repeat("<mask>", tokens.Count));
        IReadOnlyList<TokenCandidate> all = (await s_infiller.CandidatesAsync($"The {rest} sat.", new CandidateOptions { Count = int.MaxValue }))[0];
        Assert.AreEqual(-all.Sum(one => one.Probability * Math.Log(one.Probability)), tokens[0].Entropy!.Value, 1e-4);
    }
}
