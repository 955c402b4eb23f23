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

    /// <summary>Figures of a model whose rows are better drafts than n-grams, and products of the two better than n-grams.</summary>
    private static readonly DraftAcceptance s_measured = new(Rates(0.06, 0.5), Rates(0.12, 0.8), Rates(0.6, 0.6), [0.07, 0.07, 0.07, 0.07, 0.07]);

    [TestMethod]
    public void Run_RowsCostAlmostNothing_DraftsFar()
    {
        FusedSampler sampler = Run(new(1e6, 1, 1), sharpness: 0.01);
        Assert.IsGreaterThan(2.0, TokensPerForwardPass(sampler));
    }

    [TestMethod]
    public void Run_RowsCostAsMuchAsCalls_IsSequential()
    {
        FusedSampler sampler = Run(new AdaptiveDraftPolicy(new(1, 1, 1), acceptance: s_measured), sharpness: 0.01, seed: 1);
        Assert.AreEqual((Length - 1, 0), (sampler.Statistics.Nfe, sampler.Statistics.Drafted));
        Assert.AreEqual((Length - 2, Length - 1), (sampler.Statistics.ContentTokens, sampler.Statistics.QueryTokens), "No row more than sequential decoding.");
    }

    /// <summary>A network that the n-grams know nothing of: the plan finds out and stops paying for it.</summary>
    [TestMethod]
    public void Run_DraftsAreNeverKept_CostsLittleMoreThanSequential()
    {
        var cost = new ForwardPassCost(20, 1, 1);
        double planned = 0, sequential = 0;
        for (int seed = 0; seed < 10; seed++)
        {
            FusedSampler sampler = Run(cost, sharpness: 300, seed);
            planned += sampler.Statistics.Nfe * cost.Fixed + sampler.Statistics.ContentTokens + sampler.Statistics.QueryTokens;
            sequential += (Length - 1) * cost.Of(1, 1);
        }

        Assert.IsLessThan(1.03 * sequential, planned);
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(4)]
    [DataRow(30)]
    public void Run_FixedDraftLength_IsKept(int draftLength)
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

    /// <summary>Gaps whose left neighbours are given: rows asked once serve, and are worth their price.</summary>
    [TestMethod]
    public void Run_ManySmallGaps_DraftsFromTheNetworksRows()
    {
        bool[] given = [.. Enumerable.Range(0, Length).Select(position => position % 3 != 2)];
        var model = new ScriptedModel(VocabularySize, Length, _ => [0.3, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]);
        var sampler = new FusedSampler(
            Order.LeftToRight(given), new int[Length], new(), VocabularySize, new AdaptiveDraftPolicy(ForwardPassCost.OfOverhead(20), acceptance: s_measured), NgramBytes.Table(VocabularySize, 3));
        Decoding.Run(sampler, model, new SplitMix64(1));
        DraftCounts network = sampler.Counts(DraftSource.Network);
        Assert.AreEqual(network.Verified, network.Accepted, "A row equals its oracle here.");
        Assert.IsGreaterThan(3.0, TokensPerForwardPass(sampler));
        Assert.IsLessThan(0.5 * network.Drafted, sampler.Counts(DraftSource.Ngram).Drafted);
    }

    /// <summary>Equal numbers of rows: sequences that share a call pad each other. 6 rows a call are worth one draft token, 2 none.</summary>
    [TestMethod]
    [DataRow(2.0, null, 0)]
    [DataRow(6.0, null, 1)]
    [DataRow(40.0, null, 3)]
    [DataRow(1e9, null, 8)]
    [DataRow(2.0, 4, 4)]
    public void Uniform_EveryRound_DraftsAlike(double rows, int? draftLength, int expected)
    {
        var order = Order.LeftToRight([true, .. new bool[Length - 1]]);
        IDraftPolicy plan = AdaptiveDraftPolicy.Uniform(ForwardPassCost.OfOverhead(rows), draftLength);
        var sampler = new FusedSampler(order, new int[Length], new(), VocabularySize, plan, NgramBytes.Table(VocabularySize, 3));
        var loop = new SamplingLoop(new RandomModel(VocabularySize, Length, 300, 1), [sampler], [new SplitMix64(1)]);
        while (!sampler.IsDone)
        {
            int before = sampler.Statistics.Drafted, draftTokens = Math.Min(expected, Length - sampler.Committed - 1);
            loop.Step(default);
            Assert.AreEqual(draftTokens, sampler.Statistics.Drafted - before, "Though hardly any is kept.");
            Assert.AreEqual(draftTokens + 1, sampler.State.Conditionals.Length, "No draft queries.");
        }
    }

    /// <summary>What a rejection leaves behind: rows that saw the rejected token, and serve without having been asked.</summary>
    [TestMethod]
    public void Run_AfterARejection_DraftsFromTheRowsLeftBehind()
    {
        FusedSampler uniform = Run(AdaptiveDraftPolicy.Uniform(ForwardPassCost.OfOverhead(40), acceptance: s_measured), sharpness: 10, seed: 1);
        Assert.IsGreaterThan(20, uniform.Counts(DraftSource.Product).Drafted, "No row was asked.");
    }

    /// <summary>Without a corpus most draft tokens fail, and the row of a rejected round is no better: the plan knows before it has tried.</summary>
    [TestMethod]
    public void Run_NoTable_DraftsLittle()
    {
        var order = Order.LeftToRight([true, .. new bool[Length - 1]]);
        var sampler = new FusedSampler(order, new int[Length], new(), VocabularySize, new AdaptiveDraftPolicy(ForwardPassCost.OfOverhead(16)));
        Decoding.Run(sampler, new RandomModel(VocabularySize, Length, 300, 1), new SplitMix64(1));
        Assert.IsLessThan(10, sampler.Statistics.Drafted);
        Assert.AreEqual(0, sampler.Counts(DraftSource.Product).Drafted);
    }

    /// <summary>What is accepted decides how far a batch drafts: by the neighbours that its order knows, and by what n-grams there are.</summary>
    [TestMethod]
    [DataRow(Neighbours.Left, true, 3)]
    [DataRow(Neighbours.Right, true, 0)]
    [DataRow(Neighbours.None, true, 0)]
    [DataRow(Neighbours.Left, false, 2)]
    public void Uniform_MeasuredAcceptance_DecidesTheLength(Neighbours known, bool hasCorpus, int expected)
    {
        var acceptance = new DraftAcceptance(Rates(0.01, 0.5), null, null, [0.1, 0.1, 0.1, 0.1, 0.3]);
        Assert.AreEqual(expected, AdaptiveDraftPolicy.Uniform(ForwardPassCost.OfOverhead(40), null, acceptance, known, hasCorpus).MaxDraftTokens);
    }

    /// <summary>One draft token promises 1.44 (o + 2) / (o + 4) times the tokens: 1.03 at an overhead of 3, 1.12 at 5; two promise 1.32 at 15.</summary>
    [TestMethod]
    [DataRow(3.0, 0)]
    [DataRow(5.0, 0)]
    [DataRow(15.0, 2)]
    public void Uniform_SmallGain_IsNotWorthADraft(double overhead, int expected)
    {
        var acceptance = new DraftAcceptance(Rates(0.01, 0.44), null, null, null);
        Assert.AreEqual(expected, AdaptiveDraftPolicy.Uniform(ForwardPassCost.OfOverhead(overhead), null, acceptance).MaxDraftTokens);
    }

    /// <summary>The same network and n-grams: figures that say that nothing is accepted leave sequential decoding, and it learns nothing.</summary>
    [TestMethod]
    public void Run_NothingIsExpected_IsSequential()
    {
        var nothing = new DraftAcceptance(Rates(0, 0), Rates(0, 0), Rates(0, 0), [0, 0, 0, 0, 0]);
        Assert.AreEqual(0, Run(new AdaptiveDraftPolicy(ForwardPassCost.OfOverhead(40), acceptance: nothing), sharpness: 0.01, seed: 1).Statistics.Drafted);
        Assert.IsGreaterThan(100, Run(new AdaptiveDraftPolicy(ForwardPassCost.OfOverhead(40)), sharpness: 0.01, seed: 1).Statistics.Drafted);
    }

    [TestMethod]
    public void Choose_NothingCanBeWorthIt_MakesNoNgramDraft()
    {
        var view = new UnwillingView();
        Assert.AreEqual(DraftSource.None, new AdaptiveDraftPolicy(new(0.1, 1, 1)).Choose(view));
        Assert.ThrowsExactly<InvalidOperationException>(() => new AdaptiveDraftPolicy(new(100, 1, 1)).Choose(view));
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

    private static FusedSampler Run(IDraftPolicy plan, double sharpness, int seed)
    {
        var order = Order.LeftToRight([true, .. new bool[Length - 1]]);
        var sampler = new FusedSampler(
            order, new int[Length], new(), VocabularySize, plan, NgramBytes.Table(VocabularySize, 3));
        return Decoding.Run(sampler, new RandomModel(VocabularySize, Length, sharpness, seed), new SplitMix64(seed));
    }

    /// <summary>Without and with the left neighbour, the same in all classes.</summary>
    private static double[] Rates(double without, double with) =>
        [.. new[] { without, with, without, with }.SelectMany(rate => Enumerable.Repeat(rate, DraftAcceptance.Columns))];

    private static double TokensPerForwardPass(FusedSampler sampler) => (double)sampler.Statistics.Generated / sampler.Statistics.Nfe;

    /// <summary>A speculation step whose n-gram draft must not be made.</summary>
    private sealed class UnwillingView : IDraftView
    {
        public int Committed => 1;

        public int Length => 9;

        public int Drafted => 0;

        public void MakeNgramDraft() => throw new InvalidOperationException("Made.");

        public bool HasCorpus => true;

        public DraftTarget Target(int rank) => new(Neighbours.Left, null, null, 0);

        public Neighbours VisibleNeighbours(int rank, int horizon) => Neighbours.None;
    }
}
