using AsArm.Inference.Infilling;
using AsArm.Inference.Tests.Support;
using AsArm.Inference.Text;

namespace AsArm.Inference.Tests.Infilling;

/// <summary>Tokens, log-probabilities and places of gaps and spans.</summary>
[TestClass]
public sealed class TokenScoreTests
{
    private const string Text = "<mask:2> dogs <mask:4> the garden and <mask:6><mask> until <mask>";

    private static readonly TextInfiller s_infiller = TextInfiller.Open(Files.Default);

    [ClassCleanup]
    public static void CloseModel() => s_infiller.Dispose();

    [TestMethod]
    [DataRow(SamplerKind.Fused, DecodingOrder.LeftToRight, 1.0)]
    [DataRow(SamplerKind.Fused, DecodingOrder.Random, 0.0)]
    [DataRow(SamplerKind.Assd, DecodingOrder.Random, 0.7)]
    [DataRow(SamplerKind.Ngram, DecodingOrder.LeftToRight, 1.0)]
    [DataRow(SamplerKind.Sequential, DecodingOrder.RightToLeft, 1.0)]
    [DataRow(SamplerKind.Parallel, DecodingOrder.LeftToRight, 1.0)]
    public void Gaps_OfAResult_AddUpToIt(SamplerKind sampler, DecodingOrder order, double temperature)
    {
        for (int seed = 0; seed < 5; seed++)
        {
            InfillResult result = s_infiller.Infill(Text, new InfillOptions { Sampler = sampler, Order = order, Temperature = temperature, Seed = seed });
            CollectionAssert.AreEqual(new[] { 2, 4, 6, 1, 1 }, result.Gaps.Select(gap => gap.Tokens.Count).ToArray());
            Assert.AreEqual(result.Statistics.LogProbability, result.Gaps.Sum(gap => gap.LogProbability), 1e-9);
            foreach (InfilledGap gap in result.Gaps)
            {
                Assert.AreEqual(gap.Text, result.Text[gap.Start..gap.End]);
                Assert.AreEqual(gap.Text, string.Concat(gap.Tokens.Select(token => token.Text)));
            }

            CollectionAssert.AreEquivalent(Enumerable.Range(0, 14).ToArray(), result.Gaps.SelectMany(gap => gap.Tokens).Select(token => token.Rank).ToArray());
            Assert.AreEqual(14, result.Usage.GeneratedTokens);
            Assert.AreEqual(s_infiller.CountTokens(InfillPrompt.Parse(Text)).Total, result.Usage.TotalTokens);
        }
    }

    /// <summary>Each token has the log-probability that scoring it after those of lower rank gives.</summary>
    [TestMethod]
    public void LogProbability_OfEachToken_IsItsConditional()
    {
        using TextInfiller infiller = TextInfiller.Open(Files.Default, new() { UseFloat32 = true });
        InfillResult result = infiller.Infill("The cat <mask:3> on the old mat.", new InfillOptions { Seed = 4, Sampler = SamplerKind.Assd });
        double[] expected = infiller.LogProbabilities(result.Sequences[0], CancellationToken.None);
        TokenScore[] tokens = [.. result.Gaps[0].Tokens.OrderBy(token => token.Rank)];
        for (int i = 0; i < 3; i++)
            Assert.AreEqual(expected[i], tokens[i].LogProbability, 1e-3);
    }

    [TestMethod]
    public void Gaps_OfWindows_HaveTheirPlaces()
    {
        string text = string.Concat(Enumerable.Range(0, 60).Select(i => $"On day {i} she had a <mask:2> in her old bag. "));
        InfillResult result = s_infiller.Infill(text, new InfillOptions { Window = true, Seed = 1 });
        Assert.IsGreaterThan(1, result.Windows);
        Assert.HasCount(60, result.Gaps);
        foreach (InfilledGap gap in result.Gaps)
            Assert.AreEqual(gap.Text, result.Text[gap.Start..gap.End]);
        CollectionAssert.AreEqual(Enumerable.Range(0, 120).ToArray(), result.Gaps.SelectMany(gap => gap.Tokens).Select(token => token.Rank).ToArray());
    }

    [TestMethod]
    public void TokenScores_OfSpans_AddUp()
    {
        ScoreResult score = s_infiller.Score("The [[cat sat]] on the [[unbelievable]] mat.");
        foreach (SpanScore span in score.Spans)
        {
            Assert.HasCount(span.Tokens, span.TokenScores);
            Assert.AreEqual(span.Text, string.Concat(span.TokenScores.Select(token => token.Text)));
            Assert.AreEqual(span.LogProbability, span.TokenScores.Sum(token => token.LogProbability), 1e-9);
        }
    }
}
