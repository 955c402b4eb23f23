using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Assd.Tests.Exactness;
using AsArm.Assd.Tests.Support;
using AsArm.Assd.Tests.Support.Models;

namespace AsArm.Assd.Tests.Samplers;

/// <summary>Samplers that keep the most probable tokens of targets.</summary>
[TestClass]
public sealed class TopTokensSamplerTests
{
    private const int V = 6;

    private static readonly Order _order = Order.LeftToRight([true, false, false, true, false]);
    private static readonly int[] _tokens = [2, 5, 0, 3, 1];

    [TestMethod]
    [DataRow(1)]
    [DataRow(4)]
    [DataRow(100)]
    public void TopTokens_OfEachTarget_AreTheMostProbableGivenTheGivenTokens(int count)
    {
        var options = new SamplingOptions { BannedTokens = [4], BannedTokensAt = new Dictionary<int, TokenSet> { [2] = new TokenSet([1]) } };
        var model = new RandomModel(V, 5, 4, 1);
        var conditionals = new ReferenceConditionals(model, _order, _tokens, options);
        TopTokensSampler sampler = Decoding.Run(new TopTokensSampler(_order, _tokens, options, V, count), model, new SplitMix64(1));
        Assert.AreEqual((1, 3), (sampler.Statistics.Nfe, sampler.Statistics.Generated));
        for (int target = 0; target < 3; target++)
        {
            AssertTop(conditionals.Distribution(target, 0, []), count, sampler.TopTokens[target]);
            Assert.AreEqual(sampler.TopTokens[target][0].Token, sampler.Tokens[_order.Positions[2 + target]]);
            Assert.AreEqual(Math.Log(sampler.TopTokens[target][0].Probability), sampler.LogProbabilities[target], 1e-6);
        }
    }

    [TestMethod]
    public void TopTokens_OfATeacherForcedSampler_AreTheMostProbableGivenTheTokensBefore()
    {
        var model = new RandomModel(V, 5, 4, 1);
        var conditionals = new ReferenceConditionals(model, _order, _tokens, new());
        TeacherForcedSampler sampler = Decoding.Run(new TeacherForcedSampler(_order, _tokens, new(), V) { TopTokenCount = 2 }, model, new SplitMix64(1));
        for (int target = 0; target < 3; target++)
        {
            double[] distribution = conditionals.Distribution(target, target, [5, 0, 1]);
            AssertTop(distribution, 2, sampler.TopTokens[target]);
            Assert.AreEqual(Math.Log(distribution[_tokens[_order.Positions[2 + target]]]), sampler.LogProbabilities[target], 1e-5);
        }
    }

    [TestMethod]
    public void TopTokens_OfATeacherForcedSamplerWithoutACount_AreEmpty()
    {
        TeacherForcedSampler sampler = Decoding.Run(new TeacherForcedSampler(_order, _tokens, new(), V) { TopTokenCount = 0 }, new RandomModel(V, 5, 4, 1), new SplitMix64(1));
        Assert.HasCount(3, sampler.TopTokens);
        Assert.IsTrue(sampler.TopTokens.All(top => top.Count == 0));
    }

    [TestMethod]
    public void Prepare_Again_AddsTheSameQueries()
    {
        var sampler = new TopTokensSampler(_order, _tokens, new(), V, 1);
        for (int i = 0; i < 2; i++)
        {
            sampler.Prepare(new ScriptedRandom());
            Assert.AreEqual(2, sampler.State.KnownCount);
            SpanAssert.AreEqual<Conditional>([new(2, 2), new(3, 2), new(4, 2)], sampler.State.Conditionals);
        }
    }

    [TestMethod]
    public void Constructor_CountOutOfRange_Throws()
    {
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new TopTokensSampler(_order, _tokens, new(), V, 0));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new TeacherForcedSampler(_order, _tokens, new(), V) { TopTokenCount = -1 });
    }

    private static void AssertTop(double[] distribution, int count, IReadOnlyList<TokenProbability> top)
    {
        int[] best = [.. Enumerable.Range(0, V).Where(token => distribution[token] > 0).OrderByDescending(token => distribution[token]).Take(count)];
        CollectionAssert.AreEqual(best, top.Select(token => token.Token).ToArray());
        foreach (TokenProbability token in top)
            Assert.AreEqual(distribution[token.Token], token.Probability, 1e-6);
    }
}
