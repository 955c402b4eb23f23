using AsArm.Assd.Randomness;
using AsArm.Benchmarks.Statistics;

namespace AsArm.Inference.Tests.Benchmarks;

/// <summary>Means and ratios of rates with their confidence intervals.</summary>
[TestClass]
public sealed class EstimateTests
{
    [TestMethod]
    public void OfRatio_OtherThreeTimesAsFastInEveryPair_IsAThirdWithoutWidth()
    {
        Estimate ratio = Estimate.OfRatio([(new(2, 6), new(4, 4)), (new(5, 15), new(7, 7))])!;
        Assert.AreEqual(1 / 3.0, ratio.Value, 1e-12);
        Assert.AreEqual(0, ratio.HalfInterval!.Value, 1e-12);
    }

    [TestMethod]
    public void OfRatio_OnePair_HasNoInterval()
    {
        Estimate ratio = Estimate.OfRatio([(new(2, 1), new(1, 1))])!;
        Assert.IsNull(ratio.HalfInterval);
        Assert.AreEqual("2.00", ratio.ToString());
    }

    [TestMethod]
    public void OfRatio_RateWithoutACost_IsNone() => Assert.IsNull(Estimate.OfRatio([(default, new(1, 1)), (default, new(2, 1))]));

    /// <summary>Four pairs of normal times; with the normal quantile 86 % of the intervals would hold the ratio.</summary>
    [TestMethod]
    public void OfRatio_FewPairs_IntervalHoldsTheRatioInNineteenOfTwentyRuns()
    {
        const int Runs = 4000;
        var random = new SplitMix64(1);
        int held = 0;
        for (int run = 0; run < Runs; run++)
        {
            Estimate ratio = Estimate.OfRatio([.. Enumerable.Range(0, 4).Select(_ => (new Rate(1, Time(10)), new Rate(1, Time(20))))])!;
            held += Math.Abs(ratio.Value - 2) <= ratio.HalfInterval ? 1 : 0;
        }

        Assert.AreEqual(0.95, held / (double)Runs, 0.015);

        double Time(double mean) => mean * (1 + 0.05 * (Enumerable.Range(0, 12).Sum(_ => random.NextDouble()) - 6));
    }

    /// <summary>Student's quantile for two degrees of freedom is 4.303, for nine 2.262.</summary>
    [TestMethod]
    [DataRow(3, 4.303)]
    [DataRow(10, 2.262)]
    public void OfMean_ValuesOfUnitVariance_IntervalIsStudents(int count, double quantile)
    {
        double[] values = [.. Enumerable.Range(0, count).Select(i => (double)i)];
        double deviation = Math.Sqrt(values.Sum(value => Math.Pow(value - values.Average(), 2)) / (count - 1));
        Estimate mean = Estimate.OfMean([.. values.Select(value => value / deviation)]);
        Assert.AreEqual(quantile / Math.Sqrt(count), mean.HalfInterval!.Value, 0.01 * quantile);
    }
}
