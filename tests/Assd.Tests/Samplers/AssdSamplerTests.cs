using AsArm.Assd.Ordering;
using AsArm.Assd.Samplers;
using AsArm.Assd.Tests.Support;
using AsArm.Assd.Tests.Support.Models;

namespace AsArm.Assd.Tests.Samplers;

/// <summary>
/// Every branch of a speculation step, with random numbers chosen for it. The conditional (n, n) is (1/4, 1/4, 1/2), as the first draft of
/// a step and as an oracle; all other drafts are (1/2, 1/2, 0). So a later draft token is 0 or 1, accepted for a random number below 1/2,
/// otherwise replaced by token 2.
/// </summary>
[TestClass]
public sealed class AssdSamplerTests
{
    private const double Accept = 0.49;
    private const double Reject = 0.5;

    /// <summary>Draws token 0.</summary>
    private const double Low = 0;

    /// <summary>Draws 2 as the first draft token, 1 as a later one.</summary>
    private const double High = 0.7;

    [TestMethod]
    public void Run_AllAccepted_CommitsAllDraftTokensInTwoForwardPasses()
    {
        AssdSampler sampler = Run(3, 3, Low, High, Low, Accept, Accept);
        SpanAssert.AreEqual([0, 1, 0], sampler.Tokens);
        AssertStatistics(sampler, nfe: 2, drafted: 3, accepted: 3, 0.25 * 0.25 * 0.25);
    }

    [TestMethod]
    public void Run_EarlyRejection_ReplacesTheTokenAndDraftsAgain()
    {
        AssdSampler sampler = Run(3, 3, Low, High, Low, Reject, Low, Low);
        SpanAssert.AreEqual([0, 2, 0], sampler.Tokens);
        AssertStatistics(sampler, nfe: 3, drafted: 4, accepted: 2, 0.25 * 0.5 * 0.25);
    }

    [TestMethod]
    public void Run_LateRejection_CommitsTheTokensBefore()
    {
        AssdSampler sampler = Run(3, 3, High, High, Low, Accept, Reject, High);
        SpanAssert.AreEqual([2, 1, 2], sampler.Tokens);
        AssertStatistics(sampler, nfe: 2, drafted: 3, accepted: 2, 0.5 * 0.25 * 0.5);
    }

    [TestMethod]
    public void Run_OneTarget_NeedsNoOraclePass()
    {
        AssdSampler sampler = Run(1, 5, High);
        SpanAssert.AreEqual([2], sampler.Tokens);
        AssertStatistics(sampler, nfe: 1, drafted: 1, accepted: 1, 0.5);
    }

    [TestMethod]
    public void Run_DraftLengthOne_IsSequential()
    {
        AssdSampler sampler = Run(3, 1, High, Low, High);
        SpanAssert.AreEqual([2, 0, 2], sampler.Tokens);
        AssertStatistics(sampler, nfe: 3, drafted: 3, accepted: 3, 0.5 * 0.25 * 0.5);
    }

    [TestMethod]
    public void Run_LargestRandomNumbers_AcceptsTheFirstDraftTokenOfEachStep()
    {
        double largest = Math.BitDecrement(1.0);
        AssdSampler sampler = Run(6, 4, [.. Enumerable.Repeat(largest, 100)]);
        // Two tokens per speculation step, an accepted and a replaced one.
        AssertStatistics(sampler, nfe: 6, drafted: 4 + 4 + 2, accepted: 3, Math.Pow(0.5, 6));
    }

    [TestMethod]
    public void Step_TwoSpeculationSteps_QueriesDraftsAtTheCommittedHorizonAndOraclesAtTheirRank()
    {
        ScriptedModel model = NewModel(4);
        var order = Order.LeftToRight([false, true, false, false]);
        var random = new ScriptedRandom(Low, High, Low, Reject, Low, Low);
        var sampler = new AssdSampler(order, [0, 1, 0, 0], new() { DraftLength = 3 }, 3);
        var loop = new SamplingLoop(model, [sampler], [random]);

        loop.Step(default);
        SpanAssert.AreEqual<Conditional>([new(1, 1), new(2, 1), new(3, 1)], TakeQueries(model));
        Assert.AreEqual(1, sampler.State.KnownCount);
        loop.Step(default);
        SpanAssert.AreEqual<Conditional>([new(2, 2), new(3, 3)], TakeQueries(model), "The first draft token needs no oracle.");
        Assert.AreEqual(3, sampler.State.KnownCount, "No query sees the last draft token.");
        Assert.AreEqual(3, sampler.Committed);
        loop.Step(default);
        SpanAssert.AreEqual<Conditional>([new(3, 3)], TakeQueries(model));
        Assert.IsTrue(sampler.IsDone);
        Assert.AreEqual(0, random.Left);
    }

    [TestMethod]
    public void Run_DraftEqualsOracle_AcceptsAllWhateverTheRandomNumbers()
    {
        var model = new ScriptedModel(3, 8, _ => [0.2, 0.3, 0.5]);
        double largest = Math.BitDecrement(1.0);
        var random = new ScriptedRandom([.. Enumerable.Repeat(largest, 100)]);
        var sampler = Decoding.Run(new AssdSampler(Order.LeftToRight(new bool[8]), new int[8], new() { DraftLength = 4 }, 3), model, random);
        AssertStatistics(sampler, nfe: 4, drafted: 8, accepted: 8, Math.Pow(0.5, 8));
    }

    [TestMethod]
    public void Constructor_DraftLengthAboveTheTargetCount_IsReducedToIt()
    {
        AssdSampler sampler = Run(2, int.MaxValue, Low, Low, Accept);
        AssertStatistics(sampler, nfe: 2, drafted: 2, accepted: 2, 0.25 * 0.25);
    }

    private static AssdSampler Run(int length, int draftLength, params double[] random)
    {
        var sampler = new AssdSampler(Order.LeftToRight(new bool[length]), new int[length], new() { DraftLength = draftLength }, 3);
        return Decoding.Run(sampler, NewModel(length), new ScriptedRandom(random));
    }

    private static ScriptedModel NewModel(int length) =>
        new(3, length, conditional => conditional.Rank == conditional.Horizon ? [0.25, 0.25, 0.5] : [0.5, 0.5, 0]);

    private static Conditional[] TakeQueries(ScriptedModel model)
    {
        Conditional[] queries = [.. model.Queries];
        model.Queries.Clear();
        return queries;
    }

    private static void AssertStatistics(AssdSampler sampler, int nfe, int drafted, int accepted, double probability)
    {
        SamplingStatistics statistics = sampler.Statistics;
        Assert.AreEqual(sampler.Tokens.Length, statistics.Generated);
        Assert.AreEqual((nfe, drafted, accepted), (statistics.Nfe, statistics.Drafted, statistics.Accepted));
        Assert.AreEqual(Math.Log(probability), statistics.LogProbability, 1e-5);
    }
}
