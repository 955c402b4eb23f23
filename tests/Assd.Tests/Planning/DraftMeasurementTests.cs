using AsArm.Assd.Ngrams;
using AsArm.Assd.Ordering;
using AsArm.Assd.Planning;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers.Fused;
using AsArm.Assd.Tests.Support;
using AsArm.Assd.Tests.Support.Models;

namespace AsArm.Assd.Tests.Planning;

/// <summary>Measured acceptance is that of verification.</summary>
[TestClass]
public sealed class DraftMeasurementTests
{
    private const int VocabularySize = 8;
    private static readonly double[] s_distribution = [0.3, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1];

    /// <summary>Rows of the network equal the oracle, whatever they see; n-grams and products do not.</summary>
    [TestMethod]
    public void ExploringDraftPolicy_ConstantDistribution_MeasuresTheAcceptanceOfEachSource()
    {
        DraftAcceptanceTally tally = Explore(seed: 1);
        Assert.AreEqual(1, tally.MeanOf(DraftSource.Network), 1e-6);
        Assert.IsGreaterThan(300, tally.CountOf(DraftSource.Network));
        foreach (DraftSource source in (DraftSource[])[DraftSource.Ngram, DraftSource.Product])
        {
            Assert.IsGreaterThan(300, tally.CountOf(source), $"{source}");
            Assert.IsInRange(0.2, 0.9, tally.MeanOf(source), $"{source}");
        }

        Assert.AreEqual(tally.Count, tally.CountOf(DraftSource.Ngram) + tally.CountOf(DraftSource.Network) + tally.CountOf(DraftSource.Product));
    }

    [TestMethod]
    public void ExploringDraftPolicy_SameSeeds_MeasuresTheSame()
    {
        CollectionAssert.AreEqual(Explore(seed: 1).RatesOf(DraftSource.Product), Explore(seed: 1).RatesOf(DraftSource.Product));
        CollectionAssert.AreNotEqual(Explore(seed: 1).RatesOf(DraftSource.Product), Explore(seed: 2).RatesOf(DraftSource.Product));
    }

    /// <summary>Without a corpus, rows of the network only are measured.</summary>
    [TestMethod]
    public void ExploringDraftPolicy_NoTable_MeasuresTheNetworkOnly()
    {
        DraftAcceptanceTally tally = Explore(seed: 1, hasTable: false);
        Assert.AreEqual(tally.Count, tally.CountOf(DraftSource.Network));
        Assert.IsGreaterThan(300, tally.Count);
    }

    /// <summary>sum q min(1, p/q) over all tokens is the overlap, sum min(p, q); with q = 1 each estimate is p itself.</summary>
    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void NgramAcceptance_AllTokens_SumsToTheOverlap(bool hasTable)
    {
        double[] draft = [.. Enumerable.Range(0, VocabularySize).Select(token => Measure(token, 1, hasTable).Acceptance)];
        Assert.AreEqual(1, draft.Sum(), 1e-9);
        double overlap = Enumerable.Range(0, VocabularySize).Sum(token => s_distribution[token] * Measure(token, s_distribution[token], hasTable).Acceptance);
        Assert.AreEqual(draft.Zip(s_distribution, Math.Min).Sum(), overlap, 1e-9);
        Assert.AreEqual(draft.Max(), Measure(0, 1, hasTable).Confidence, 1e-9);
    }

    /// <summary>
    /// Token 2 follows token 1 once in the sequence: the less weight the corpus has, the more probable it is after token 1 again.
    /// </summary>
    [TestMethod]
    public void NgramAcceptance_CorpusWeight_CountsAgainstTheSequence()
    {
        double[] ofSuccessor = [.. new[] { 0.1, 1, 10, 100 }.Select(weight => Measure(2, 1, hasTable: true, weight).Acceptance)];
        CollectionAssert.AreEqual(ofSuccessor.OrderDescending().ToArray(), ofSuccessor);
        Assert.IsGreaterThan(2 * ofSuccessor[3], ofSuccessor[0]);
    }

    [TestMethod]
    public void NgramAcceptance_WrongSizes_Throws() => Assert.ThrowsExactly<ArgumentException>(
        () => NgramAcceptance.Measure(Order.LeftToRight([true, false]), [1, 2], new(), [], VocabularySize, null));

    [TestMethod]
    [DataRow(0.0)]
    [DataRow(-1.0)]
    public void FusedSampler_CorpusWeightNotPositive_Throws(double weight) => Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new FusedSampler(
        Order.LeftToRight([true, false]), [1, 2], new(), VocabularySize, new FixedDraftPolicy(DraftSource.Ngram, 1), corpusWeight: weight));

    private static (double Confidence, double Acceptance) Measure(int token, double probability, bool hasTable, double weight = 10) =>
        NgramAcceptance.Measure(
            Order.LeftToRight([true, true, true, false]), [1, 2, 1, token], new(), [Math.Log(probability)], VocabularySize,
            hasTable ? NgramBytes.Table(VocabularySize, 3) : null, weight)[0];

    private static DraftAcceptanceTally Explore(long seed, bool hasTable = true)
    {
        const int Length = 400;
        var tally = new DraftAcceptanceTally();
        bool[] given = [.. Enumerable.Range(0, Length).Select(position => position % 5 == 0)];
        for (int i = 0; i < 8; i++)
        {
            var sampler = new FusedSampler(
                Order.LeftToRight(given), new int[Length], new(), VocabularySize, new ExploringDraftPolicy(tally, new SplitMix64(100 * seed + i)),
                hasTable ? NgramBytes.Table(VocabularySize, 3) : null);
            Decoding.Run(sampler, new ScriptedModel(VocabularySize, Length, _ => s_distribution), new SplitMix64(i));
        }

        return tally;
    }
}
