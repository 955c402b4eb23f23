using AsArm.Assd.Ngrams;
using AsArm.Assd.Ordering;
using AsArm.Assd.Planning;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Assd.Samplers.Fused;
using AsArm.Assd.Tests.Support;
using AsArm.Assd.Tests.Support.Models;

namespace AsArm.Assd.Tests.Samplers.Fused;

[TestClass]
public sealed partial class FusedSamplerTests
{
    private const int VocabularySize = 3;

    /// <summary>p(1 | 0) = p(0 | 1) = 1; unigrams (1/2, 1/4, 1/4).</summary>
    private static readonly NgramTable _alternating = NgramTable.Open(NgramBytes.Write(
        VocabularySize,
        [([0], 8, 255), ([1], 16, 255), ([2], 16, 0)],
        [([0, 1], 0, 0), ([1, 0], 0, 0)]));

    [TestMethod]
    public void Run_NoDraftTokens_IsSequential()
    {
        ScriptedModel model = NewModel(4);
        FusedSampler sampler = NewSampler("G...", new FixedDraftPolicy(DraftSource.Ngram, 0));
        Decoding.Run(sampler, model, new ScriptedRandom(0.6, 0.1, 0.3));
        SpanAssert.AreEqual([new(1, 1), new(2, 2), new(3, 3)], [.. model.Queries]);
        SpanAssert.AreEqual([0, 2, 0, 1], sampler.Tokens);
        Assert.AreEqual((3, 0, 2, 3), (sampler.Statistics.Nfe, sampler.Statistics.Drafted, sampler.Statistics.ContentTokens, sampler.Statistics.QueryTokens));
    }

    [TestMethod]
    public void Step_NgramDraftTokens_VerifiesEachAtItsRankAndAddsTheBonusQuery()
    {
        ScriptedModel model = NewModel(6);
        FusedSampler sampler = NewSampler("G.....", new FixedDraftPolicy(DraftSource.Ngram, 3), _alternating, VerificationMethod.TokenWise);
        // Three draft tokens with p = 1 and q = 1/4 each, so that random numbers below 1/4 accept them; then the bonus query.
        var random = new ScriptedRandom(0.5, 0.5, 0.5, 0.2, 0.2, 0.2, 0.9);
        new SamplingLoop(model, [sampler], [random]).Step(default);
        SpanAssert.AreEqual([new(1, 1), new(2, 2), new(3, 3), new(4, 4)], [.. model.Queries]);
        SpanAssert.AreEqual([0, 1, 0, 1, 2], sampler.Tokens[..5]);
        Assert.AreEqual((5, 4, 0), (sampler.Committed, sampler.State.KnownCount, random.Left));
        Assert.AreEqual(new(3, 3, 3), sampler.Counts(DraftSource.Ngram));
    }

    [TestMethod]
    public void Step_Rejection_DrawsFromTheResidualAndDiscardsTheTokensBehind()
    {
        ScriptedModel model = NewModel(6);
        FusedSampler sampler = NewSampler("G.....", new FixedDraftPolicy(DraftSource.Ngram, 3), _alternating, VerificationMethod.TokenWise);
        // The second draft token, 0 with p = 1, is rejected: the residual is (0, 1/4, 1/2).
        var random = new ScriptedRandom(0.5, 0.5, 0.5, 0.2, 0.9, 0.32);
        new SamplingLoop(model, [sampler], [random]).Step(default);
        SpanAssert.AreEqual([0, 1, 1], sampler.Tokens[..3]);
        Assert.AreEqual((3, 0), (sampler.Committed, random.Left));
        Assert.AreEqual(new(3, 2, 1), sampler.Counts(DraftSource.Ngram));
    }

    [TestMethod]
    public void Step_DraftQueries_AreAddedForEachOutcomeAndUsedIfTheySawNoRejectedToken()
    {
        ScriptedModel model = NewModel(8);
        FusedSampler sampler = NewSampler("G.......", new FixedDraftPolicy(DraftSource.Product, 2, 1), _alternating, VerificationMethod.TokenWise);
        var loop = new SamplingLoop(model, [sampler], [new ScriptedRandom(0.5, 0.5, 0.2, 0.9, 0.9, 0.5, 0.5, 0, 0, 0)]);
        loop.Step(default);
        SpanAssert.AreEqual<Conditional>(
            [new(1, 1), new(2, 2), new(3, 3), new(2, 1), new(3, 2), new(4, 3)], [.. model.Queries], "Three verification queries, then one draft query per outcome.");
        Assert.AreEqual(3, sampler.Committed, "The second draft token was rejected.");
        loop.Step(default);
        Assert.AreEqual(1, sampler.Counts(DraftSource.Product).Drafted, "Rank 3 has the row with horizon 2.");
        Assert.AreEqual(3, sampler.Counts(DraftSource.Ngram).Drafted, "Rank 4 has no row: its draft query saw the rejected draft token.");
    }

    /// <summary>
    /// If all bigrams are listed, p~(x) is proportional to p(x | left) p(right | x); checked with a grid of random numbers.
    /// </summary>
    [TestMethod]
    [DataRow(1.0)]
    [DataRow(0.5)]
    public void Prepare_BetweenTwoKnownTokens_DraftsGivenBoth(double temperature)
    {
        const int V = 5, Draws = 4000, Left = 1, Right = 3;
        NgramTable table = NgramTable.Open(NgramBytes.Random(V, 2, 1, 6));
        double[] expected = [.. Enumerable.Range(0, V).Select(
            token => Math.Pow(table.Probability(token, [Left]) * table.Probability(Right, [token]), 1 / temperature))];
        var drawn = new double[V];
        for (int i = 0; i < Draws; i++)
        {
            var sampler = new FusedSampler(
                Order.LeftToRight([true, false, true, false]), [Left, 0, Right, 0], new() { Temperature = temperature }, V,
                new FixedDraftPolicy(DraftSource.Ngram, 1), table);
            sampler.Prepare(new ScriptedRandom((i + 0.5) / Draws));
            drawn[sampler.Tokens[1]] += 1.0 / Draws;
        }

        for (int token = 0; token < V; token++)
            Assert.AreEqual(expected[token] / expected.Sum(), drawn[token], 2.0 / Draws);
    }

    /// <summary>
    /// A vocabulary larger than the blocks of summation, and a table that lists some bigrams only: every token has its probability.
    /// </summary>
    [TestMethod]
    [DataRow(VerificationMethod.TokenWise)]
    [DataRow(VerificationMethod.Block)]
    public void Run_LargeVocabulary_HasTheExactDistribution(VerificationMethod verification)
    {
        const int V = 600, Runs = 8000, Classes = 30;
        var random = new SplitMix64(3);
        double[] row = [.. Enumerable.Range(0, V).Select(_ => 0.05 + random.NextDouble())];
        double total = row.Sum();
        var model = new ScriptedModel(V, 5, _ => row.Select(weight => weight / total).ToArray());
        NgramTable table = NgramTable.Open(NgramBytes.Random(V, 2, 0.1, 6));
        var order = Order.LeftToRight([true, false, false, false, true]);
        double[] expected = new double[Classes], drawn = new double[Classes];
        for (int token = 0; token < V; token++)
            expected[token % Classes] += 3 * Runs * row[token] / total;
        for (int i = 0; i < Runs; i++)
        {
            var sampler = new FusedSampler(order, [1, 0, 0, 0, 2], new(), V, new FixedDraftPolicy(DraftSource.Product, 2, 1), table, verification);
            Decoding.Run(sampler, model, random);
            foreach (int token in sampler.Tokens[1..4])
                drawn[token % Classes]++;
        }

        double statistic = Enumerable.Range(0, Classes).Sum(i => Math.Pow(drawn[i] - expected[i], 2) / expected[i]);
        Assert.IsLessThan(75.0, statistic, "Chi-square with 29 degrees of freedom; 75 has a probability below 1e-5.");
    }

    /// <summary>The n-gram confidence is that of the next target, once it was computed.</summary>
    [TestMethod]
    public void Prepare_NgramConfidence_IsThatOfTheNextTarget()
    {
        var confidences = new List<double?>();
        void Record(IDraftView view)
        {
            int next = view.Committed + view.Drafted;
            confidences.Add(view.Target(next).NgramConfidence);
            view.MakeNgramDraft();
            view.MakeNgramDraft();
            confidences.Add(view.Target(next).NgramConfidence);
            confidences.Add(view.Target(next + 1).NgramConfidence);
        }

        var policy = new ScriptedPolicy
        {
            MaxDraftQueries = 1,
            Source = view =>
            {
                Record(view);
                return DraftSource.Ngram;
            },
            Queries = view =>
            {
                Record(view);
                return [];
            },
        };
        NewSampler("G........", policy, _alternating).Prepare(new ScriptedRandom(0.5, 0.5));
        CollectionAssert.AreEqual(new double?[] { null, 1, null, null, 1, null, null, 1, null }, confidences);
    }

    [TestMethod]
    public void Target_RankCommittedOrPastTheEnd_Throws()
    {
        var policy = new ScriptedPolicy
        {
            Source = view =>
            {
                Assert.IsNull(view.Target(view.Length - 1).NetworkNeighbours);
                Assert.IsNull(view.Target(view.Committed).NetworkNeighbours);
                Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => view.Target(view.Length));
                Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => view.Target(view.Committed - 1));
                return DraftSource.None;
            },
        };
        NewSampler("GG....", policy).Prepare(new ScriptedRandom());
    }

    [TestMethod]
    public void Prepare_PolicyWithoutDraftQueries_IsNotAskedForAny()
    {
        FusedSampler sampler = NewSampler("G..", new ScriptedPolicy { Queries = _ => throw new NotSupportedException() });
        sampler.Prepare(new ScriptedRandom());
        SpanAssert.AreEqual<Conditional>([new(1, 1)], sampler.State.Conditionals);
    }

    [TestMethod]
    [DataRow(0.0)]
    [DataRow(-1.0)]
    public void Constructor_CorpusWeightNotPositive_Throws(double weight) => Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new FusedSampler(
        Order.LeftToRight([true, false]), [0, 0], new(), VocabularySize, new FixedDraftPolicy(DraftSource.Ngram, 1), _alternating, corpusWeight: weight));

    [TestMethod]
    public void Run_LastTarget_IsNeverDrafted()
    {
        ScriptedModel model = NewModel(3);
        FusedSampler sampler = NewSampler("G..", new FixedDraftPolicy(DraftSource.Ngram, 7, 3), _alternating);
        Decoding.Run(sampler, model, new ScriptedRandom(0.5, 0.1, 0.1));
        SpanAssert.AreEqual([new(1, 1), new(2, 2)], [.. model.Queries]);
        Assert.AreEqual((1, 1, 1), (sampler.Statistics.Nfe, sampler.Statistics.Drafted, sampler.Statistics.Accepted));
    }

    [TestMethod]
    public void Prepare_Again_AddsTheSameQueriesWithoutAnotherRandomNumber()
    {
        FusedSampler sampler = NewSampler("G.....", new FixedDraftPolicy(DraftSource.Ngram, 2, 1), _alternating);
        var random = new ScriptedRandom(0.5, 0.5);
        sampler.Prepare(random);
        Conditional[] queries = [.. sampler.State.Conditionals];
        int[] tokens = [.. sampler.Tokens];
        sampler.Prepare(random);
        SpanAssert.AreEqual<Conditional>(queries, sampler.State.Conditionals);
        SpanAssert.AreEqual<int>(tokens, sampler.Tokens);
    }

    [TestMethod]
    [DataRow(VerificationMethod.TokenWise)]
    [DataRow(VerificationMethod.Block)]
    public void Run_DraftEqualsOracle_AcceptsAllWhateverTheRandomNumbers(VerificationMethod verification)
    {
        var model = new ScriptedModel(VocabularySize, 9, _ => [0.5, 0.25, 0.25]);
        NgramTable table = NgramTable.Open(NgramBytes.Write(VocabularySize, [([0], 8, 0), ([1], 16, 0), ([2], 16, 0)]));
        // The table has no contexts, and three different tokens give the sequence no bigrams to count.
        var sampler = new FusedSampler(
            Order.LeftToRight(new bool[4]), new int[4], new(), VocabularySize, new FixedDraftPolicy(DraftSource.Ngram, 3), table, verification);
        Decoding.Run(sampler, model, new ScriptedRandom([0.1, 0.6, 0.9, .. Enumerable.Repeat(Math.BitDecrement(1.0), 4)]));
        Assert.AreEqual((1, 3, 3), (sampler.Statistics.Nfe, sampler.Statistics.Drafted, sampler.Statistics.Accepted));
    }

    [TestMethod]
    [DataRow(double.Epsilon)]
    [DataRow(1e-3)]
    [DataRow(1e3)]
    [DataRow(double.MaxValue)]
    public void Run_ExtremeTemperature_Finishes(double temperature)
    {
        var order = Order.LeftToRight([true, .. new bool[20], true, false, true]);
        foreach (DraftSource source in (DraftSource[])[DraftSource.Ngram, DraftSource.Product])
        {
            var sampler = new FusedSampler(
                order, new int[24], new() { Temperature = temperature }, 8, new FixedDraftPolicy(source, 3, 2), NgramBytes.Table(8, 3));
            Decoding.Run(sampler, new RandomModel(8, 24, 3, 1), new SplitMix64(1));
            Assert.IsTrue(double.IsFinite(sampler.Statistics.LogProbability));
            Assert.IsLessThanOrEqualTo(sampler.Statistics.Generated, sampler.Statistics.Nfe);
            Assert.IsGreaterThan(0, sampler.Counts(DraftSource.Ngram).Drafted);
        }
    }

    [TestMethod]
    public void Prepare_PolicyChoosesAnUnavailableSource_Throws()
    {
        foreach (DraftSource source in (DraftSource[])[DraftSource.Network, DraftSource.Product, DraftSource.Ngram])
        {
            var sampler = new FusedSampler(Order.LeftToRight(new bool[4]), new int[4], new(), VocabularySize, new ConstantPolicy(source, default));
            Assert.ThrowsExactly<InvalidOperationException>(() => sampler.Prepare(new SplitMix64(1)));
        }
    }

    [TestMethod]
    [DataRow(1, 1)]
    [DataRow(2, 2)]
    [DataRow(2, 0)]
    [DataRow(6, 1)]
    [DataRow(9, 1)]
    public void Prepare_PolicyAddsAnInvalidQuery_Throws(int rank, int horizon)
    {
        FusedSampler sampler = NewSampler("G.........", new ConstantPolicy(DraftSource.None, new(rank, horizon)));
        Assert.ThrowsExactly<InvalidOperationException>(() => sampler.Prepare(new SplitMix64(1)));
    }

    [TestMethod]
    [DataRow(2, 1)]
    [DataRow(5, 1)]
    public void Prepare_PolicyAddsAValidQuery_HasIt(int rank, int horizon)
    {
        FusedSampler sampler = NewSampler("G.........", new ConstantPolicy(DraftSource.None, new(rank, horizon)));
        sampler.Prepare(new SplitMix64(1));
        SpanAssert.AreEqual<Conditional>([new(1, 1), new(rank, horizon)], sampler.State.Conditionals);
    }

    [TestMethod]
    public void Counts_Added_AreSums() => Assert.AreEqual(new DraftCounts(11, 22, 33), new DraftCounts(1, 2, 3) + new DraftCounts(10, 20, 30));

    /// <summary>2^16 rows of 2^16 numbers: a product that wraps to 0 would be an empty array.</summary>
    [TestMethod]
    public void Constructor_LookaheadTooLarge_Throws() => Assert.ThrowsExactly<OverflowException>(() => new FusedSampler(
        Order.LeftToRight(new bool[1 << 16]), new int[1 << 16], new(), 1 << 16, new ScriptedPolicy { MaxDraftTokens = 0, Lookahead = 1 << 16 }));

    [TestMethod]
    public void Constructor_TableOfAnotherVocabulary_Throws() => Assert.ThrowsExactly<ArgumentException>(
        () => new FusedSampler(Order.LeftToRight([false]), [0], new(), 4, new FixedDraftPolicy(DraftSource.Ngram, 1), _alternating));

    private static FusedSampler NewSampler(
        string pattern, IDraftPolicy policy, NgramTable? table = null, VerificationMethod verification = VerificationMethod.Block)
    {
        bool[] given = [.. pattern.Select(letter => letter == 'G')];
        return new(Order.LeftToRight(given), new int[given.Length], new(), VocabularySize, policy, table, verification);
    }

    private static ScriptedModel NewModel(int length) => new(VocabularySize, length, _ => [0.25, 0.25, 0.5]);
}
