using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Assd.Tests.Exactness;
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
    public void Prepare_BannedTokens_AreNotDrafted()
    {
        // After 0 came 1, 2 and 0: one is banned everywhere, one here. The known tokens are drafted where no successor is allowed.
        AssertDrafted(new() { BannedTokens = [1] }, [0, 1, 0, 2, 0, 0], (0, 2), (0.49, 2), (0.51, 0));
        AssertDrafted(new() { BannedTokensAt = At(6, 2) }, [0, 1, 0, 2, 0, 0], (0, 1), (0.51, 0));
        AssertDrafted(new() { BannedTokens = [1], BannedTokensAt = At(6, 2) }, [0, 1, 0, 2, 0, 0], (0, 0), (0.99, 0));
        AssertDrafted(new() { BannedTokens = [1] }, [2, 0, 1, 0], (0, 2), (0.32, 2), (0.34, 0), (0.99, 0));
        AssertDrafted(new() { BannedTokensAt = At(4, 0) }, [2, 0, 1, 0], (0, 1), (0.99, 1));
    }

    [TestMethod]
    public void Step_AllKnownTokensBanned_QueriesTheNetwork()
    {
        ScriptedModel model = NewModel(3);
        var sampler = new NgramSampler(Order.LeftToRight([true, false, false]), [0, -1, -1], new() { BannedTokens = [0] }, 3);
        Decoding.Run(sampler, model, new ScriptedRandom(0.5, 0.5, 0.2));
        SpanAssert.AreEqual([new(1, 1), new(2, 2)], [.. model.Queries]);
        Assert.AreEqual(1, sampler.Statistics.Drafted);
    }

    /// <summary>More different tokens than a block of summation: the random number selects each exactly.</summary>
    [TestMethod]
    [DataRow(0.0, 0)]
    [DataRow(1 / 512.0, 1)]
    [DataRow(255 / 512.0, 255)]
    [DataRow(0.49999999999999994, 255)]
    [DataRow(0.5, 256)]
    [DataRow(511 / 512.0, 511)]
    [DataRow(0.99999999999999989, 511)]
    public void Prepare_ManyKnownTokens_DraftsTheOneOfTheRandomNumber(double uniform, int drafted)
    {
        int[] tokens = [.. Enumerable.Range(0, 512).Reverse(), -1];
        var sampler = new NgramSampler(Order.LeftToRight([.. Enumerable.Repeat(true, 512), false]), tokens, new(), 600);
        sampler.Prepare(new ScriptedRandom(uniform));
        Assert.AreEqual(tokens[drafted], sampler.Tokens[512]);
    }

    /// <summary>Blocks of summation with and without mass, and sums that round differently in blocks.</summary>
    [TestMethod]
    [DataRow(600, 600)]
    [DataRow(0, 256)]
    [DataRow(200, 512)]
    [DataRow(500, 600)]
    public void Run_RejectionInALargeVocabulary_InvertsTheResidual(int zerosFrom, int zerosTo)
    {
        const int V = 600, Rejected = 300;
        var random = new SplitMix64(zerosFrom);
        for (int run = 0; run < 100; run++)
        {
            double[] row = [.. Enumerable.Range(0, V).Select(token => token >= zerosFrom && token < zerosTo ? 0 : random.NextDouble())];
            double total = row.Sum(), uniform = run % 2 == 0 ? Math.BitDecrement(1.0) : random.NextDouble();
            var model = new ScriptedModel(V, 2, _ => [.. row.Select(weight => weight / total)]);
            var sampler = new NgramSampler(Order.LeftToRight([true, false]), [Rejected, -1], new(), V);
            Decoding.Run(sampler, model, new ScriptedRandom(0.5, Reject, uniform));
            row[Rejected] = 0;
            SampleAssert.Inverts(row, uniform, sampler.Tokens[1]);
            if (run % 2 == 0)
                Assert.AreEqual(Array.FindLastIndex(row, weight => weight > 0), sampler.Tokens[1]);
        }
    }

    /// <summary>Weights so different that sums of blocks and of the whole round differently: the largest random number may exceed all blocks.</summary>
    [TestMethod]
    public void Run_RejectionWithRoundedSums_DrawsATokenOfTheResidual()
    {
        const int V = 600, Rejected = 300, Positive = 400;
        var random = new SplitMix64(5);
        for (int run = 0; run < 200; run++)
        {
            double[] row = [.. Enumerable.Range(0, V).Select(token => token < Positive ? Math.Exp(8 * random.NextGaussian()) : 0)];
            row[Positive - 1] = row.Sum() / 4;
            double total = row.Sum();
            var sampler = new NgramSampler(Order.LeftToRight([true, false]), [Rejected, -1], new(), V);
            Decoding.Run(sampler, new ScriptedModel(V, 2, _ => [.. row.Select(weight => weight / total)]), new ScriptedRandom(0.5, Math.BitDecrement(1.0), Math.BitDecrement(1.0)));
            Assert.AreEqual(Positive - 1, sampler.Tokens[1]);
        }
    }

    /// <summary>1/25 in float32 is less than in float64, so a rejected draft token leaves no residual.</summary>
    [TestMethod]
    public void Run_DraftAboveTheOracleForAllTokens_SamplesTheOracle()
    {
        const int V = 25;
        var model = new ScriptedModel(V, V + 1, _ => [.. Enumerable.Repeat(1.0 / V, V)]);
        var sampler = new NgramSampler(Order.LeftToRight([.. Enumerable.Repeat(true, V), false]), [.. Enumerable.Range(0, V), -1], new(), V);
        Decoding.Run(sampler, model, new ScriptedRandom(0, Math.BitDecrement(1.0), 0.5));
        Assert.AreEqual((1, 0), (sampler.Statistics.Drafted, sampler.Statistics.Accepted));
        Assert.AreEqual(V / 2, sampler.Tokens[V]);
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

    private static Dictionary<int, TokenSet> At(int position, int token) => new() { [position] = new TokenSet([token]) };

    /// <summary>Checks the draft token after given ones, for each random number.</summary>
    private static void AssertDrafted(SamplingOptions options, int[] given, params (double Uniform, int Token)[] expected)
    {
        var order = Order.LeftToRight([.. given.Select(_ => true), false]);
        foreach ((double uniform, int token) in expected)
        {
            var sampler = new NgramSampler(order, [.. given, -1], options, 3);
            sampler.Prepare(new ScriptedRandom(uniform));
            Assert.AreEqual((1, token), (sampler.Statistics.Drafted, sampler.Tokens[^1]), $"Random number {uniform}.");
        }
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
