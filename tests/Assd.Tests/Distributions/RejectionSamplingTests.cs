using AsArm.Assd.Distributions;
using AsArm.Assd.Randomness;
using AsArm.Assd.Tests.Exactness;
using AsArm.Assd.Tests.Support;

namespace AsArm.Assd.Tests.Distributions;

[TestClass]
public sealed class RejectionSamplingTests
{
    private const double LargestUniform = 1 - 1.0 / (1UL << 53);

    [TestMethod]
    [DataRow(0.0)]
    [DataRow(0.5)]
    [DataRow(LargestUniform)]
    public void Accepts_DraftEqualsOracle_Always(double uniform)
    {
        Assert.IsTrue(RejectionSampling.Accepts(uniform, 0.3f, 0.3f));
        Assert.IsTrue(RejectionSampling.Accepts(uniform, 1, 1));
        Assert.IsTrue(RejectionSampling.Accepts(uniform, float.Epsilon, float.Epsilon));
    }

    [TestMethod]
    public void Accepts_OracleAboveDraft_Always() => Assert.IsTrue(RejectionSampling.Accepts(LargestUniform, 0.3f, 0.4f));

    [TestMethod]
    public void Accepts_OracleHalfOfDraft_BelowOneHalfOnly()
    {
        Assert.IsTrue(RejectionSampling.Accepts(Math.BitDecrement(0.5), 0.5f, 0.25f));
        Assert.IsFalse(RejectionSampling.Accepts(0.5, 0.5f, 0.25f));
    }

    [TestMethod]
    public void Accepts_OracleIsZero_NeverEvenForRandomNumberZero() => Assert.IsFalse(RejectionSampling.Accepts(0, 0.5f, 0));

    [TestMethod]
    public void Accepts_RatioBeyondFloat32_NeedsNoDivision() =>
        Assert.IsTrue(RejectionSampling.Accepts(LargestUniform, float.Epsilon, 1));

    [TestMethod]
    public void Replace_OracleAboveDraftForOneToken_DrawsThatToken()
    {
        foreach (double uniform in (double[])[0, 0.5, LargestUniform])
            Assert.AreEqual(2, Replace([0.25f, 0.25f, 0.5f], [0.5f, 0.25f, 0.25f], uniform));
    }

    [TestMethod]
    public void Replace_DraftMissesMass_DrawsTheMissedTokensOnly()
    {
        Assert.AreEqual(1, Replace([0.25f, 0.25f, 0.5f], [1, 0, 0], 0));
        Assert.AreEqual(1, Replace([0.25f, 0.25f, 0.5f], [1, 0, 0], 0.33));
        Assert.AreEqual(2, Replace([0.25f, 0.25f, 0.5f], [1, 0, 0], 0.34));
        Assert.AreEqual(2, Replace([0.25f, 0.25f, 0.5f], [1, 0, 0], LargestUniform));
    }

    [TestMethod]
    public void Replace_NoResidual_FallsBackToTheOracle()
    {
        float[] oracle = [0.25f, 0.25f, 0.5f];
        Assert.AreEqual(0, Replace(oracle, oracle, 0));
        Assert.AreEqual(1, Replace(oracle, oracle, 0.25));
        Assert.AreEqual(2, Replace(oracle, oracle, 0.5));
        Assert.AreEqual(2, Replace(oracle, [0.25f, 0.5f, 0.75f], LargestUniform), "The oracle exceeds the draft for no token.");
    }

    [TestMethod]
    public void Replace_TinyResidual_IsStillTheResidual() =>
        Assert.AreEqual(1, Replace([0.5f, 0.50000006f], [0.50000006f, 0.5f], 0));

    /// <summary>Integrated over all draft tokens and random numbers, the accepted or replaced token has distribution q.</summary>
    [TestMethod]
    [DataRow(new[] { 0.5f, 0.25f, 0.25f }, new[] { 0.5f, 0.25f, 0.25f }, DisplayName = "draft equals oracle")]
    [DataRow(new[] { 0.5f, 0.25f, 0.25f }, new[] { 0.4375f, 0.3125f, 0.25f }, DisplayName = "close")]
    [DataRow(new[] { 0.96875f, 0.015625f, 0.015625f }, new[] { 0.015625f, 0.015625f, 0.96875f }, DisplayName = "far")]
    [DataRow(new[] { 0.5f, 0.5f, 0 }, new[] { 0.25f, 0.25f, 0.5f }, DisplayName = "draft misses mass")]
    [DataRow(new[] { 0.25f, 0.25f, 0.5f }, new[] { 0.5f, 0.5f, 0 }, DisplayName = "draft has mass where the oracle has none")]
    [DataRow(new[] { 1f, 0, 0 }, new[] { 0, 0.75f, 0.25f }, DisplayName = "disjoint")]
    public void AcceptsAndReplace_OverAllRandomNumbers_HaveTheDistributionOfTheOracle(float[] draft, float[] oracle)
    {
        const int Grid = 1024;
        var distribution = new double[draft.Length];
        for (int token = 0; token < draft.Length; token++)
        {
            int accepted = 0;
            for (int i = 0; i < Grid && draft[token] > 0; i++)
                accepted += RejectionSampling.Accepts((i + 0.5) / Grid, draft[token], oracle[token]) ? 1 : 0;
            distribution[token] += (double)draft[token] * accepted / Grid;
            double rejected = draft[token] * (1 - (double)accepted / Grid);
            for (int i = 0; i < Grid && rejected > 0; i++)
                distribution[Replace(oracle, draft, (i + 0.5) / Grid)] += rejected / Grid;
        }

        for (int token = 0; token < distribution.Length; token++)
            Assert.AreEqual(oracle[token], distribution[token], 2.0 / Grid);
    }

    [TestMethod]
    public void Replace_EveryLength_AgreesWithTheReference()
    {
        var random = new SplitMix64(4);
        foreach (int length in Lengths.All)
        {
            float[] oracle = random.NextRow(length, 2);
            float[] draft = random.NextRow(length, 2);
            Probabilities.Softmax(oracle);
            Probabilities.Softmax(draft);
            double[] residual = new double[length];
            for (int i = 0; i < length; i++)
                residual[i] = Math.Max((double)oracle[i] - draft[i], 0);
            if (residual.Max() == 0)
                residual = ReferenceMath.ToDouble(oracle);
            for (int i = 0; i < 4; i++)
            {
                double uniform = random.NextDouble();
                SampleAssert.Inverts(residual, uniform, Replace(oracle, draft, uniform));
            }
        }
    }

    private static int Replace(float[] oracle, float[] draft, double uniform) =>
        RejectionSampling.Replace(oracle, draft, new float[oracle.Length], uniform);
}
