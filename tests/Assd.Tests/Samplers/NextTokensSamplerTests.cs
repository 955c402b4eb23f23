using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Assd.Tests.Exactness;
using AsArm.Assd.Tests.Support;
using AsArm.Assd.Tests.Support.Models;

namespace AsArm.Assd.Tests.Samplers;

[TestClass]
public sealed class NextTokensSamplerTests
{
    private const int V = 6;

    private static readonly SamplingOptions _options = new();
    private static readonly Order _order = Order.RightToLeft([true, false, false, true, false, false]);
    private static readonly int[] _tokens = [2, 5, 0, 3, 1, 4];

    /// <summary>By rank: the places of the targets from right to left.</summary>
    private static readonly int[] _targets = [4, 1, 0, 5];

    [TestMethod]
    [DataRow(0)]
    [DataRow(1)]
    [DataRow(2)]
    [DataRow(3)]
    public void Run_AfterKnownTokens_KeepsTheMostProbableOfTheNext(int known)
    {
        var model = new RandomModel(V, 6, 4, 1);
        var conditionals = new ReferenceConditionals(model, _order, _tokens, _options);
        int passes = model.ForwardPassCount;
        var sampler = new NextTokensSampler(_order, _tokens, known, _options, V, 3);
        Assert.IsEmpty(sampler.NextTokens);
        Decoding.Run(sampler, model, new SplitMix64(1));
        Assert.AreEqual((passes + 1, 1), (model.ForwardPassCount, sampler.Statistics.Nfe));
        Assert.AreEqual((known + 1, 2 + known + 1), (sampler.LogProbabilities.Length, sampler.Committed));
        double[] expected = conditionals.Distribution(known, known, _targets);
        int[] best = [.. Enumerable.Range(0, V).OrderByDescending(token => expected[token]).Take(3)];
        CollectionAssert.AreEqual(best, sampler.NextTokens.Select(next => next.Token).ToArray());
        foreach (TokenProbability next in sampler.NextTokens)
            Assert.AreEqual(expected[next.Token], next.Probability, 1e-6);
        for (int target = 0; target < known; target++)
        {
            double[] distribution = conditionals.Distribution(target, target, _targets);
            Assert.AreEqual(Math.Log(distribution[_targets[target]]), sampler.LogProbabilities[target], 1e-5);
            Assert.AreEqual(_targets[target], sampler.Tokens[_order.Positions[2 + target]]);
        }

        Assert.AreEqual(Math.Log(expected[best[0]]), sampler.LogProbabilities[known], 1e-5);
        Assert.AreEqual(best[0], sampler.Tokens[_order.Positions[2 + known]]);
    }

    [TestMethod]
    [DataRow(-1, 1, "known")]
    [DataRow(4, 1, "known")]
    [DataRow(1, 0, "count")]
    public void Constructor_OutOfRange_Throws(int known, int count, string parameter) => Assert.AreEqual(
        parameter, Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new NextTokensSampler(_order, _tokens, known, _options, V, count)).ParamName);

    /// <summary>Known tokens are checked, those behind them are not looked at.</summary>
    [TestMethod]
    public void Constructor_TokenOutsideTheVocabulary_ThrowsIfItIsKnown()
    {
        int[] tokens = [.. _tokens];
        tokens[_order.Positions[4]] = V;
        _ = new NextTokensSampler(_order, tokens, 2, _options, V, 1);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new NextTokensSampler(_order, tokens, 3, _options, V, 1));
    }
}
