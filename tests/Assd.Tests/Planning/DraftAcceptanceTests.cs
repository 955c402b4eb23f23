using AsArm.Assd.Ordering;
using AsArm.Assd.Planning;

namespace AsArm.Assd.Tests.Planning;

/// <summary>Expected acceptance, and how it is measured.</summary>
[TestClass]
public sealed class DraftAcceptanceTests
{
    private static readonly DraftSource[] s_sources = [DraftSource.Ngram, DraftSource.Network, DraftSource.Product];

    [TestMethod]
    [DataRow(0.0, 0)]
    [DataRow(0.0999, 0)]
    [DataRow(0.1, 1)]
    [DataRow(0.25, 2)]
    [DataRow(0.4999, 2)]
    [DataRow(0.5, 3)]
    [DataRow(1.0, 3)]
    public void ClassOf_Limit_BelongsToTheClassAbove(double confidence, int expected) => Assert.AreEqual(expected, DraftAcceptance.ClassOf(confidence));

    [TestMethod]
    public void Of_MeasuredRates_ReturnsThatOfSourceNeighboursAndClass()
    {
        double[] ngram = Counted(0), network = Counted(20), product = Counted(40);
        var acceptance = new DraftAcceptance(ngram, network, product, [0.9, 0.8, 0.7, 0.6, 0.5]);
        Assert.AreEqual(0.00, acceptance.Of(DraftSource.Ngram, Neighbours.None, 0.05));
        Assert.AreEqual(0.08, acceptance.Of(DraftSource.Ngram, Neighbours.Left, 0.7));
        Assert.AreEqual(0.34, acceptance.Of(DraftSource.Network, Neighbours.Right, null));
        Assert.AreEqual(0.56, acceptance.Of(DraftSource.Product, Neighbours.Both, 0.2));
        Assert.AreEqual(0, acceptance.Of(DraftSource.None, Neighbours.Both, 0.2));
        Assert.AreEqual(0.8, acceptance.OfOwnBigrams(0.1));
        Assert.AreEqual(0.5, acceptance.OfOwnBigrams(null));
    }

    /// <summary>
    /// N-grams by the known neighbours, rows and products by those that the row saw; products by the largest probability of the n-grams.
    /// </summary>
    [TestMethod]
    public void Of_Target_DependsOnWhatTheSourceKnows()
    {
        var acceptance = new DraftAcceptance(Counted(0), Counted(20), Counted(40), null);
        var target = new DraftTarget(Neighbours.Both, 0.6, Neighbours.Right, 0.2);
        Assert.AreEqual(0.18, acceptance.Of(DraftSource.Ngram, target));
        Assert.AreEqual(0.31, acceptance.Of(DraftSource.Network, target));
        Assert.AreEqual(0.53, acceptance.Of(DraftSource.Product, target));
    }

    [TestMethod]
    public void Constructor_NullRates_AreNeutral()
    {
        var acceptance = new DraftAcceptance(null, Counted(20), null, null);
        Assert.AreEqual(DraftAcceptance.Neutral.Of(DraftSource.Ngram, Neighbours.Left, 0.3), acceptance.Of(DraftSource.Ngram, Neighbours.Left, 0.3));
        Assert.AreEqual(DraftAcceptance.Neutral.OfOwnBigrams(null), acceptance.OfOwnBigrams(null));
        double neutral = DraftAcceptance.Neutral.WeightOf(DraftSource.Network, hasCorpus: true);
        foreach (DraftSource source in (DraftSource[])[DraftSource.Ngram, DraftSource.Network, DraftSource.Product])
            Assert.AreEqual(source == DraftSource.Network, acceptance.WeightOf(source, hasCorpus: true) > neutral, $"Measured rates have more weight against the sequence: {source}");
        Assert.AreEqual(neutral, acceptance.WeightOf(DraftSource.Ngram, hasCorpus: false));
    }

    [TestMethod]
    public void Neutral_MoreIsKnown_RatesAreHigher()
    {
        foreach (DraftSource source in s_sources)
        {
            foreach (Neighbours neighbours in Enum.GetValues<Neighbours>())
            {
                double[] rates = [.. new[] { 0.05, 0.2, 0.3, 0.7 }.Select(confidence => DraftAcceptance.Neutral.Of(source, neighbours, confidence))];
                CollectionAssert.AreEqual(rates.Order().ToArray(), rates);
                Assert.IsTrue(rates.All(rate => rate is > 0 and < 1));
                Assert.IsLessThanOrEqualTo(DraftAcceptance.Neutral.Of(source, neighbours | Neighbours.Left, null), DraftAcceptance.Neutral.Of(source, neighbours, null));
            }
        }
    }

    [TestMethod]
    public void Constructor_BadRates_Throws()
    {
        Assert.ThrowsExactly<ArgumentException>(() => new DraftAcceptance(new double[19], null, null, null));
        Assert.ThrowsExactly<ArgumentException>(() => new DraftAcceptance(null, [.. Counted(0)[1..], 1.01], null, null));
        Assert.ThrowsExactly<ArgumentException>(() => new DraftAcceptance(null, null, [.. Counted(0)[1..], double.NaN], null));
        Assert.ThrowsExactly<ArgumentException>(() => new DraftAcceptance(null, null, null, [0.1, 0.1, 0.1, -0.1, 0.1]));
    }

    /// <summary>
    /// A class has 20 additional examples of its neighbours' rate, these 20 of the rate of the source, and the source 20 of the neutral
    /// rate.
    /// </summary>
    [TestMethod]
    public void RatesOf_FewExamples_AreSmoothedTowardsTheWiderClasses()
    {
        var tally = new DraftAcceptanceTally();
        for (int i = 0; i < 60; i++)
            tally.Add(DraftSource.Network, new DraftTarget(Neighbours.Both, null, Neighbours.Left, 0.3), i % 2);
        double neutral = DraftAcceptance.Neutral.Of(DraftSource.Network, Neighbours.Left, null);
        double source = (30 + 20 * neutral) / 80, neighbours = (30 + 20 * source) / 80, own = (30 + 20 * neighbours) / 80;
        double[] rates = tally.RatesOf(DraftSource.Network)!;
        Assert.HasCount(DraftAcceptance.RatesOfSource, rates);
        double[] left = rates[5..10], right = rates[10..15];
        CollectionAssert.AreEqual(new[] { neighbours, neighbours, own, neighbours, neighbours }, left);
        CollectionAssert.AreEqual(Enumerable.Repeat(source, 5).ToArray(), right);
        Assert.AreEqual((60, 60, 0), (tally.Count, tally.CountOf(DraftSource.Network), tally.CountOf(DraftSource.Ngram)));
        Assert.AreEqual(0.5, tally.MeanOf(DraftSource.Network));
        Assert.IsNull(tally.RatesOf(DraftSource.Ngram));
    }

    /// <summary>The sequence's own bigrams are smoothed towards their neutral rate, over all sets of neighbours.</summary>
    [TestMethod]
    public void RatesOfOwnBigrams_FewExamples_AreSmoothedTowardsTheirMean()
    {
        var tally = new DraftAcceptanceTally();
        Assert.IsNull(tally.RatesOfOwnBigrams());
        for (int i = 0; i < 60; i++)
            tally.Add(DraftSource.Ngram, new DraftTarget(i < 30 ? Neighbours.Left : Neighbours.None, 0.3, null, 0), i % 2);
        double mean = (30 + 20 * 0.1) / 80, own = (30 + 20 * mean) / 80;
        CollectionAssert.AreEqual(new[] { mean, mean, own, mean, mean }, tally.RatesOfOwnBigrams());
    }

    private static double[] Counted(int first) => [.. Enumerable.Range(first, DraftAcceptance.RatesOfSource).Select(i => i / 100.0)];
}
