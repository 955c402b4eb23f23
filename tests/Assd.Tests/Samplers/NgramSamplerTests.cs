using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Assd.Tests.Support;
using AsArm.Assd.Tests.Support.Models;

namespace AsArm.Assd.Tests.Samplers;

/// <summary>Algorithm 2 with random numbers chosen for each branch. All conditionals of the network are (1/4, 1/4, 1/2).</summary>
[TestClass]
public sealed class NgramSamplerTests
{
    private const double Accept = 0.2;
    private const double Reject = 0.9;

    [TestMethod]
    public void Run_LeftNeighbourHasSuccessors_DraftsThemAndThenTheirs()
    {
        // Bigrams 0 2, 2 0 and 0 1: after 0 come 2 and 1 with probability 1/2, after 2 always 0.
        NgramSampler sampler = Run([0, 2, 0, 1, 0, -1, -1], "GGGGG..", 0.1, 0.5, Accept, Accept);
        SpanAssert.AreEqual([0, 2, 0, 1, 0, 2, 0], sampler.Tokens);
        AssertStatistics(sampler, nfe: 1, drafted: 2, accepted: 2, 0.5 * 0.25);
    }

    [TestMethod]
    public void Run_FirstRejected_IsReplacedFromTheResidual()
    {
        // After 1 always comes 0: p = (1, 0, 0), the residual of q is (0, 1/4, 1/2).
        NgramSampler sampler = Run([1, 0, 1, -1, -1], "GGG..", 0.1, 0.1, Reject, 0.34, 0.1, Accept);
        Assert.AreEqual(2, sampler.Tokens[3]);
        Assert.AreEqual(1, sampler.Statistics.Generated - sampler.Statistics.Accepted);
    }

    [TestMethod]
    public void Run_LeftNeighbourHasNoSuccessor_DraftsFromAllKnownTokens()
    {
        // 2 has no successor; known are 0, 1, 1, 2, so the random number 0.5 draws 1.
        NgramSampler sampler = Run([0, 1, 1, 2, -1], "GGGG.", 0.5, Accept);
        Assert.AreEqual(1, sampler.Tokens[4]);
        AssertStatistics(sampler, nfe: 1, drafted: 1, accepted: 1, 0.25);
    }

    [TestMethod]
    public void Run_DraftTokens_AreNotCounted()
    {
        // Only given tokens are counted, and after 0 comes 0.
        NgramSampler sampler = Run([0, 0, -1, -1], "GG..", 0.5, 0.5, Accept, Accept);
        SpanAssert.AreEqual([0, 0, 0, 0], sampler.Tokens);
    }

    [TestMethod]
    public void Run_PositionZeroNext_QueriesTheNetwork()
    {
        ScriptedModel model = NewModel(3);
        var sampler = new NgramSampler(Order.LeftToRight([false, false, true]), [-1, -1, 2], new(), 3);
        var random = new ScriptedRandom(0.3, 0.1, Accept);
        Decoding.Run(sampler, model, random);
        SpanAssert.AreEqual([new(1, 1), new(2, 2)], [.. model.Queries]);
        SpanAssert.AreEqual([1, 2, 2], sampler.Tokens, "Position 1 drafts from known tokens 2 and 1, in the order of their ranks.");
        AssertStatistics(sampler, nfe: 2, drafted: 1, accepted: 1, 0.25 * 0.5);
    }

    [TestMethod]
    public void Run_PositionZeroLater_EndsDraftingBeforeIt()
    {
        ScriptedModel model = NewModel(3);
        var sampler = new NgramSampler(Order.RightToLeft([false, false, true]), [-1, -1, 2], new(), 3);
        Decoding.Run(sampler, model, new ScriptedRandom(0.1, Accept, 0.9));
        SpanAssert.AreEqual([new(1, 1), new(2, 2)], [.. model.Queries]);
        AssertStatistics(sampler, nfe: 2, drafted: 1, accepted: 1, 0.5 * 0.5);
    }

    [TestMethod]
    public void Run_NothingKnown_QueriesTheNetworkFirst()
    {
        ScriptedModel model = NewModel(2);
        Decoding.Run(new NgramSampler(Order.FromPositions([1, 0], 0), new int[2], new(), 3), model, new SplitMix64(1));
        SpanAssert.AreEqual([new(0, 0), new(1, 1)], [.. model.Queries]);
    }

    [TestMethod]
    public void Step_DraftTokens_AreKnownExceptTheLast()
    {
        var model = NewModel(6);
        var sampler = new NgramSampler(Order.LeftToRight([true, true, false, false, false, false]), [0, 0, -1, -1, -1, -1], new() { DraftLength = 3 }, 3);
        var loop = new SamplingLoop(model, [sampler], [new ScriptedRandom(0, 0, 0, Accept, Accept, Accept)]);
        loop.Step(default);
        SpanAssert.AreEqual([new(2, 2), new(3, 3), new(4, 4)], [.. model.Queries]);
        Assert.AreEqual((4, 5), (sampler.State.KnownCount, sampler.Committed));
    }

    private static NgramSampler Run(int[] tokens, string pattern, params double[] random)
    {
        bool[] given = [.. pattern.Select(letter => letter == 'G')];
        var sampler = new NgramSampler(Order.LeftToRight(given), tokens, new(), 3);
        return Decoding.Run(sampler, NewModel(tokens.Length), new ScriptedRandom(random));
    }

    private static ScriptedModel NewModel(int length) => new(3, length, _ => [0.25, 0.25, 0.5]);

    private static void AssertStatistics(NgramSampler sampler, int nfe, int drafted, int accepted, double probability)
    {
        SamplingStatistics statistics = sampler.Statistics;
        Assert.AreEqual((nfe, drafted, accepted), (statistics.Nfe, statistics.Drafted, statistics.Accepted));
        Assert.AreEqual(Math.Log(probability), statistics.LogProbability, 1e-5);
    }
}
