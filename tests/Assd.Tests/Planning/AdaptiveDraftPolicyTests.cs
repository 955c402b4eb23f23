using AsArm.Assd.Ordering;
using AsArm.Assd.Planning;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Assd.Samplers.Fused;
using AsArm.Assd.Tests.Support;
using AsArm.Assd.Tests.Support.Models;

namespace AsArm.Assd.Tests.Planning;

[TestClass]
public sealed class AdaptiveDraftPolicyTests
{
    private const int VocabularySize = 8;
    private const int Length = 200;

    /// <summary>
    /// Acceptance rates of a model whose rows are better drafts than n-grams, and products of the two better than n-grams.
    /// </summary>
    private static readonly DraftAcceptance s_measured = new(Rates(0.06, 0.5), Rates(0.12, 0.8), Rates(0.6, 0.6), [0.07, 0.07, 0.07, 0.07, 0.07]);

    [TestMethod]
    public void Run_TokensAlmostFree_DraftsMany()
    {
        FusedSampler sampler = Run(new(1e6, 1, 1), sharpness: 0.01);
        Assert.IsGreaterThan(2.0, TokensPerForwardPass(sampler));
    }

    [TestMethod]
    public void Run_NoOverhead_IsSequential()
    {
        FusedSampler sampler = Run(new AdaptiveDraftPolicy(new(1, 1, 1), acceptance: s_measured), sharpness: 0.01, seed: 1);
        Assert.AreEqual((Length - 1, 0), (sampler.Statistics.Nfe, sampler.Statistics.Drafted));
        Assert.AreEqual((Length - 2, Length - 1), (sampler.Statistics.ContentTokens, sampler.Statistics.QueryTokens), "As many tokens processed as by sequential decoding.");
    }

    /// <summary>If n-grams are useless for the network, the policy learns it and stops drafting.</summary>
    [TestMethod]
    public void Run_DraftTokensAreRejected_CostsLittleMoreThanSequential()
    {
        var cost = new ForwardPassCost(20, 1, 1);
        double adaptive = 0, sequential = 0;
        for (int seed = 0; seed < 10; seed++)
        {
            FusedSampler sampler = Run(cost, sharpness: 300, seed);
            adaptive += sampler.Statistics.Nfe * cost.Fixed + sampler.Statistics.ContentTokens + sampler.Statistics.QueryTokens;
            sequential += (Length - 1) * cost.Of(1, 1);
        }

        Assert.IsLessThan(1.03 * sequential, adaptive);
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(4)]
    [DataRow(30)]
    public void Run_FixedDraftLength_DraftsAsMany(int draftLength)
    {
        var order = Order.LeftToRight([true, .. new bool[Length - 1]]);
        var sampler = new FusedSampler(
            order, new int[Length], new(), VocabularySize, new AdaptiveDraftPolicy(new(1, 1, 1), draftLength), NgramBytes.Table(VocabularySize, 3));
        var loop = new SamplingLoop(new RandomModel(VocabularySize, Length, 1, 1), [sampler], [new SplitMix64(1)]);
        while (!sampler.IsDone)
        {
            int before = sampler.Statistics.Drafted, left = Length - sampler.Committed;
            loop.Step(default);
            Assert.AreEqual(Math.Min(draftLength, left - 1), sampler.Statistics.Drafted - before);
        }
    }

    /// <summary>Gaps whose left neighbours are given: draft queries are profitable.</summary>
    [TestMethod]
    public void Run_ManySmallGaps_DraftsFromRowsOfTheNetwork()
    {
        bool[] given = [.. Enumerable.Range(0, Length).Select(position => position % 3 != 2)];
        var model = new ScriptedModel(VocabularySize, Length, _ => [0.3, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]);
        var sampler = new FusedSampler(
            Order.LeftToRight(given), new int[Length], new(), VocabularySize, new AdaptiveDraftPolicy(ForwardPassCost.OfOverhead(20), acceptance: s_measured), NgramBytes.Table(VocabularySize, 3));
        Decoding.Run(sampler, model, new SplitMix64(1));
        DraftCounts network = sampler.Counts(DraftSource.Network);
        Assert.AreEqual(network.Verified, network.Accepted, "Drafts equal oracles here.");
        Assert.IsGreaterThan(3.0, TokensPerForwardPass(sampler));
        Assert.IsLessThan(0.5 * network.Drafted, sampler.Counts(DraftSource.Ngram).Drafted);
    }

    /// <summary>
    /// All sequences of a batch draft equally many tokens: an overhead of 6 tokens makes one draft token profitable, one of 2 none.
    /// </summary>
    [TestMethod]
    [DataRow(2.0, null, 0)]
    [DataRow(6.0, null, 1)]
    [DataRow(40.0, null, 3)]
    [DataRow(1e9, null, 8)]
    [DataRow(2.0, 4, 4)]
    public void Uniform_EveryStep_DraftsEquallyMany(double overhead, int? draftLength, int expected)
    {
        var order = Order.LeftToRight([true, .. new bool[Length - 1]]);
        IDraftPolicy policy = AdaptiveDraftPolicy.Uniform(ForwardPassCost.OfOverhead(overhead), draftLength);
        var sampler = new FusedSampler(order, new int[Length], new(), VocabularySize, policy, NgramBytes.Table(VocabularySize, 3));
        var loop = new SamplingLoop(new RandomModel(VocabularySize, Length, 300, 1), [sampler], [new SplitMix64(1)]);
        while (!sampler.IsDone)
        {
            int before = sampler.Statistics.Drafted, draftTokens = Math.Min(expected, Length - sampler.Committed - 1);
            loop.Step(default);
            Assert.AreEqual(draftTokens, sampler.Statistics.Drafted - before, "Though hardly any is accepted.");
            Assert.AreEqual(draftTokens + 1, sampler.State.Conditionals.Length, "No draft queries.");
        }
    }

    /// <summary>The verification rows behind a rejection serve as drafts, without any draft query.</summary>
    [TestMethod]
    public void Run_AfterARejection_DraftsFromVerificationRows()
    {
        FusedSampler uniform = Run(AdaptiveDraftPolicy.Uniform(ForwardPassCost.OfOverhead(40), acceptance: s_measured), sharpness: 10, seed: 1);
        Assert.IsGreaterThan(20, uniform.Counts(DraftSource.Product).Drafted, "There are no draft queries.");
    }

    /// <summary>
    /// Without a corpus most draft tokens are rejected, and so are those of rows behind a rejection: the neutral rates are low enough.
    /// </summary>
    [TestMethod]
    public void Run_NoTable_DraftsLittle()
    {
        var order = Order.LeftToRight([true, .. new bool[Length - 1]]);
        var sampler = new FusedSampler(order, new int[Length], new(), VocabularySize, new AdaptiveDraftPolicy(ForwardPassCost.OfOverhead(16)));
        Decoding.Run(sampler, new RandomModel(VocabularySize, Length, 300, 1), new SplitMix64(1));
        Assert.IsLessThan(10, sampler.Statistics.Drafted);
        Assert.AreEqual(0, sampler.Counts(DraftSource.Product).Drafted);
    }

    /// <summary>
    /// The draft length in throughput mode follows from the acceptance for the known neighbours, with or without a corpus.
    /// </summary>
    [TestMethod]
    [DataRow(Neighbours.Left, true, 3)]
    [DataRow(Neighbours.Right, true, 0)]
    [DataRow(Neighbours.None, true, 0)]
    [DataRow(Neighbours.Left, false, 2)]
    public void Uniform_MeasuredAcceptance_DeterminesTheDraftLength(Neighbours known, bool hasCorpus, int expected)
    {
        var acceptance = new DraftAcceptance(Rates(0.01, 0.5), null, null, [0.1, 0.1, 0.1, 0.1, 0.3]);
        Assert.AreEqual(expected, AdaptiveDraftPolicy.Uniform(ForwardPassCost.OfOverhead(40), null, acceptance, known, hasCorpus).MaxDraftTokens);
    }

    /// <summary>
    /// One draft token gives 1.44 (o + 2) / (o + 4) times the tokens per cost: 1.03 at an overhead o of 3, 1.12 at 5; two give 1.32 at 15.
    /// </summary>
    [TestMethod]
    [DataRow(3.0, 0)]
    [DataRow(5.0, 0)]
    [DataRow(15.0, 2)]
    public void Uniform_SmallGain_DraftsNothing(double overhead, int expected)
    {
        var acceptance = new DraftAcceptance(Rates(0.01, 0.44), null, null, null);
        Assert.AreEqual(expected, AdaptiveDraftPolicy.Uniform(ForwardPassCost.OfOverhead(overhead), null, acceptance).MaxDraftTokens);
    }

    /// <summary>
    /// With expected acceptance 0, nothing is drafted, though the same network and n-grams draft many tokens with neutral rates.
    /// </summary>
    [TestMethod]
    public void Run_ExpectedAcceptanceZero_IsSequential()
    {
        var nothing = new DraftAcceptance(Rates(0, 0), Rates(0, 0), Rates(0, 0), [0, 0, 0, 0, 0]);
        Assert.AreEqual(0, Run(new AdaptiveDraftPolicy(ForwardPassCost.OfOverhead(40), acceptance: nothing), sharpness: 0.01, seed: 1).Statistics.Drafted);
        Assert.IsGreaterThan(100, Run(new AdaptiveDraftPolicy(ForwardPassCost.OfOverhead(40)), sharpness: 0.01, seed: 1).Statistics.Drafted);
    }

    [TestMethod]
    public void ChooseSource_NothingProfitable_ComputesNoNgramDraft()
    {
        var view = new NoNgramDraftView();
        Assert.AreEqual(DraftSource.None, new AdaptiveDraftPolicy(new(0.1, 1, 1)).ChooseSource(view));
        Assert.ThrowsExactly<InvalidOperationException>(() => new AdaptiveDraftPolicy(new(100, 1, 1)).ChooseSource(view));
    }

    [TestMethod]
    public void Constructor_BadArguments_Throw()
    {
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new AdaptiveDraftPolicy(new(0, 1, 1)));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new AdaptiveDraftPolicy(new(1, -1, 1)));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new AdaptiveDraftPolicy(new(1, 1, -1)));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new AdaptiveDraftPolicy(ForwardPassCost.OfOverhead(20), 0));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new FixedDraftPolicy(DraftSource.Ngram, -1));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new FixedDraftPolicy(DraftSource.Ngram, 1, -1));
    }

    [TestMethod]
    public void SharedBy_Sequences_DividesTheFixedCost()
    {
        Assert.AreEqual(new(10, 1, 2), new ForwardPassCost(40, 1, 2).SharedBy(4));
        Assert.AreEqual(40 + 3 + 8, new ForwardPassCost(40, 1, 2).Of(3, 4));
    }

    private static FusedSampler Run(ForwardPassCost cost, double sharpness, int seed = 1) => Run(new AdaptiveDraftPolicy(cost), sharpness, seed);

    private static FusedSampler Run(IDraftPolicy policy, double sharpness, int seed)
    {
        var order = Order.LeftToRight([true, .. new bool[Length - 1]]);
        var sampler = new FusedSampler(
            order, new int[Length], new(), VocabularySize, policy, NgramBytes.Table(VocabularySize, 3));
        return Decoding.Run(sampler, new RandomModel(VocabularySize, Length, sharpness, seed), new SplitMix64(seed));
    }

    /// <summary>Rates without and with the left neighbour, the same in all classes.</summary>
    private static double[] Rates(double without, double with) =>
        [.. new[] { without, with, without, with }.SelectMany(rate => Enumerable.Repeat(rate, DraftAcceptance.Columns))];

    private static double TokensPerForwardPass(FusedSampler sampler) => (double)sampler.Statistics.Generated / sampler.Statistics.Nfe;

    /// <summary>A speculation step whose n-gram draft must not be computed.</summary>
    private sealed class NoNgramDraftView : IDraftView
    {
        public int Committed => 1;

        public int Length => 9;

        public int Drafted => 0;

        public void MakeNgramDraft() => throw new InvalidOperationException("The n-gram draft was computed.");

        public bool HasCorpus => true;

        public bool HasHead => false;

        public DraftTarget Target(int rank) => new(Neighbours.Left, null, null, 0);

        public Neighbours VisibleNeighbours(int rank, int horizon) => Neighbours.None;
    }
}
