using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Assd.Samplers;
using AsArm.Assd.Tests.Support;
using AsArm.Assd.Tests.Support.Models;

namespace AsArm.Assd.Tests.Samplers;

[TestClass]
public sealed class SequentialSamplerTests
{
    private static readonly SamplingOptions _options = new();

    [TestMethod]
    public void Run_ScriptedRandomNumbers_QueriesOneConditionalPerForwardPassInTheOrder()
    {
        var model = new ScriptedModel(3, 4, conditional => conditional.Rank == 2 ? [0, 0.5, 0.5] : [0.5, 0.25, 0.25]);
        var order = Order.RightToLeft([false, true, false, false]);
        var random = new ScriptedRandom(0.6, 0.49, 0.99);
        var sampler = Decoding.Run(new SequentialSampler(order, [-1, 2, -1, -1], _options, 3), model, random);
        SpanAssert.AreEqual([2, 2, 1, 1], sampler.Tokens);
        SpanAssert.AreEqual([new(1, 1), new(2, 2), new(3, 3)], [.. model.Queries]);
        SamplingStatistics statistics = sampler.Statistics;
        Assert.AreEqual((3, 3, 0, 0), (statistics.Generated, statistics.Nfe, statistics.Drafted, statistics.Accepted));
        Assert.AreEqual(Math.Log(0.25 * 0.5 * 0.25), statistics.LogProbability, 1e-6);
    }

    [TestMethod]
    public void Run_RandomNumbers_AreOnePerToken()
    {
        var model = TableModel.Random(2, 4, 1, 1);
        var random = new ScriptedRandom(0.1, 0.2, 0.3, 0.4);
        Decoding.Run(new SequentialSampler(Order.LeftToRight(new bool[4]), new int[4], _options, 2), model, random);
        Assert.AreEqual(0, random.Left);
    }

    [TestMethod]
    public void Constructor_TokensThatDoNotFit_Throws()
    {
        var order = Order.LeftToRight([true, false]);
        Assert.ThrowsExactly<ArgumentException>(() => new SequentialSampler(order, [0], _options, 2));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new SequentialSampler(order, [2, 0], _options, 2));
    }
}
