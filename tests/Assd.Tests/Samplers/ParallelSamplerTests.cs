using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Assd.Tests.Support;
using AsArm.Assd.Tests.Support.Models;

namespace AsArm.Assd.Tests.Samplers;

[TestClass]
public sealed class ParallelSamplerTests
{
    [TestMethod]
    [DataRow(null, 1)]
    [DataRow(1, 5)]
    [DataRow(2, 3)]
    [DataRow(100, 1)]
    public void Run_DraftLength_IsTheNumberOfTokensPerForwardPass(int? draftLength, int nfe)
    {
        var order = Order.LeftToRight([true, false, false, false, false, false]);
        var model = new ScriptedModel(2, 6, _ => [0.25, 0.75]);
        var sampler = new ParallelSampler(order, new int[6], new() { DraftLength = draftLength }, 2);
        Decoding.Run(sampler, model, new ScriptedRandom(0.2, 0.3, 0.2, 0.3, 0.2));
        SpanAssert.AreEqual([0, 0, 1, 0, 1, 0], sampler.Tokens);
        Assert.AreEqual((5, nfe, 0, 0), (sampler.Statistics.Generated, sampler.Statistics.Nfe, sampler.Statistics.Drafted, sampler.Statistics.Accepted));
        Assert.AreEqual(3 * Math.Log(0.25) + 2 * Math.Log(0.75), sampler.Statistics.LogProbability, 1e-5);
    }

    [TestMethod]
    public void Run_OneForwardPass_QueriesEveryTargetAtTheSameHorizon()
    {
        var model = new ScriptedModel(2, 4, _ => [0.5, 0.5]);
        Decoding.Run(new ParallelSampler(Order.RightToLeft([true, false, false, false]), new int[4], new(), 2), model, new SplitMix64(1));
        SpanAssert.AreEqual([new(1, 1), new(2, 1), new(3, 1)], [.. model.Queries]);
    }
}
