using AsArm.Assd.Distributions;
using AsArm.Assd.Randomness;
using AsArm.Assd.Tests.Exactness;
using AsArm.Assd.Tests.Support;

namespace AsArm.Assd.Tests.Distributions;

/// <summary>Vectorised float32 against scalar float64; CI also runs these tests without vector instructions.</summary>
[TestClass]
public sealed class ProbabilitiesTests
{
    private const double LargestUniform = 1 - 1.0 / (1UL << 53);

    [TestMethod]
    public void Softmax_IntoAnotherSpan_IsTheSameAndDoesNotChangeTheLogits()
    {
        float[] logits = new SplitMix64(9).NextRow(1000, 5), before = [.. logits], elsewhere = new float[1000];
        Probabilities.Softmax(logits, elsewhere);
        SpanAssert.AreEqual<float>(before, logits);
        Probabilities.Softmax(logits);
        SpanAssert.AreEqual<float>(logits, elsewhere);
    }

    [TestMethod]
    [DataRow(0.01)]
    [DataRow(3.0)]
    [DataRow(30.0)]
    public void Softmax_EveryLength_AgreesWithTheReference(double scale)
    {
        var random = new SplitMix64(1);
        foreach (int length in Lengths.All)
        {
            float[] row = random.NextRow(length, scale);
            double[] expected = ReferenceMath.Softmax(ReferenceMath.ToDouble(row));
            Probabilities.Softmax(row);
            for (int i = 0; i < length; i++)
                Assert.AreEqual(expected[i], row[i], 1e-5 * expected[i] + 1e-37, $"Length {length}, index {i}.");
        }
    }

    [TestMethod]
    public void LogProbability_EveryLength_AgreesWithTheReference()
    {
        var random = new SplitMix64(2);
        foreach (int length in Lengths.All)
        {
            float[] row = random.NextRow(length, 5);
            float[] unchanged = [.. row];
            int token = random.Next(length);
            double expected = ReferenceMath.LogProbability(ReferenceMath.ToDouble(row), token);
            double actual = Probabilities.LogProbability(row, token, new float[length + 3]);
            Assert.AreEqual(expected, actual, 1e-5 + 1e-6 * Math.Abs(expected), $"Length {length}.");
            SpanAssert.AreEqual<float>(unchanged, row);
        }
    }

    [TestMethod]
    public void LogProbability_UnderflowingProbability_StaysExact()
    {
        float[] row = [0, -1e4f, float.NegativeInfinity];
        Assert.AreEqual(-1e4, Probabilities.LogProbability(row, 1, new float[3]));
        Assert.AreEqual(double.NegativeInfinity, Probabilities.LogProbability(row, 2, new float[3]));
        Assert.AreEqual(0, Probabilities.LogProbability(row, 0, new float[3]));
    }

    [TestMethod]
    [DataRow(new[] { 1e4f, -1e4f, 0 }, new[] { 1.0, 0, 0 }, DisplayName = "far apart")]
    [DataRow(new[] { 1e4f, 1e4f, -1e4f, 1e4f, 1e4f }, new[] { 0.25, 0.25, 0, 0.25, 0.25 }, DisplayName = "large")]
    [DataRow(new[] { -1e4f, -1e4f }, new[] { 0.5, 0.5 }, DisplayName = "all very small")]
    [DataRow(new[] { 88f, 88, 88, 88 }, new[] { 0.25, 0.25, 0.25, 0.25 }, DisplayName = "sum of exponentials overflows")]
    [DataRow(new[] { 90f, 1, 2 }, new[] { 1.0, 0, 0 }, DisplayName = "exponential overflows")]
    [DataRow(new[] { float.NegativeInfinity, 7, float.NegativeInfinity }, new[] { 0, 1.0, 0 }, DisplayName = "one finite")]
    [DataRow(new[] { float.MaxValue, -float.MaxValue }, new[] { 1.0, 0 }, DisplayName = "the ends of float32")]
    [DataRow(new[] { -3f }, new[] { 1.0 }, DisplayName = "one token")]
    public void Softmax_ExtremeLogits_GivesADistribution(float[] logits, double[] expected)
    {
        Probabilities.Softmax(logits);
        for (int i = 0; i < logits.Length; i++)
            Assert.AreEqual(expected[i], logits[i], 1e-30);
    }

    [TestMethod]
    public void Softmax_AllEqual_IsUniformAtEveryLength()
    {
        foreach (int length in Lengths.All)
        {
            var row = new float[length];
            Array.Fill(row, -1e4f);
            Probabilities.Softmax(row);
            Assert.AreEqual(1.0 / length, row[0], 1e-5 / length);
            Assert.IsTrue(row.All(value => value == row[0]), $"Length {length}: probabilities of equal logits differ.");
        }
    }

    [TestMethod]
    public void Softmax_Empty_Throws() => Assert.ThrowsExactly<ArgumentException>(() => Probabilities.Softmax([]));

    [TestMethod]
    public void LogProbability_Empty_Throws() =>
        Assert.ThrowsExactly<ArgumentException>(() => Probabilities.LogProbability([], 0, []));

    [TestMethod]
    public void Sample_NoPositiveWeight_Throws()
    {
        Assert.ThrowsExactly<ArgumentException>(() => Probabilities.Sample([], 0.5));
        Assert.ThrowsExactly<ArgumentException>(() => Probabilities.Sample(new float[300], 0.5));
    }

    [TestMethod]
    public void Sample_EveryLength_InvertsTheCumulativeSum()
    {
        var random = new SplitMix64(3);
        foreach (int length in Lengths.All)
        {
            float[] row = random.NextRow(length, 3);
            Probabilities.Softmax(row);
            for (int i = 0; i < length; i++)
                row[i] = random.NextDouble() < 0.3 && length > 1 && i != length / 2 ? 0 : row[i];
            double[] weights = ReferenceMath.ToDouble(row);
            foreach (double uniform in (double[])[0, random.NextDouble(), random.NextDouble(), random.NextDouble(), LargestUniform])
                SampleAssert.Inverts(weights, uniform, Probabilities.Sample(row, uniform));
        }
    }

    /// <summary>A random source of a caller may return 1, or a number that was rounded to it.</summary>
    [TestMethod]
    [DataRow(new[] { 0.5f, 0, 0 }, 0)]
    [DataRow(new[] { 0, 0.5f, 0.25f, 0 }, 2)]
    public void Sample_RandomNumberOne_DrawsTheLastPositiveWeight(float[] weights, int expected) =>
        Assert.AreEqual(expected, Probabilities.Sample(weights, 1));

    /// <summary>Small integers whose sum is a power of two: all cumulative sums and their quotients are exact.</summary>
    [TestMethod]
    public void Sample_AtEveryBoundary_IsExact()
    {
        var random = new SplitMix64(5);
        foreach (int length in Lengths.All.Where(length => length <= 513))
        {
            var weights = new float[length];
            int sum = 0;
            for (int i = 0; i < length - 1; i++)
                sum += (int)(weights[i] = random.Next(4));
            int total = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)sum + 1);
            weights[^1] = total - sum;
            int before = 0;
            for (int i = 0; i < length; i++)
            {
                if (weights[i] == 0)
                    continue;
                Assert.AreEqual(i, Probabilities.Sample(weights, (double)before / total), $"Length {length}: start of {i}.");
                before += (int)weights[i];
                double justBelow = Math.BitDecrement((double)before / total);
                Assert.AreEqual(i, Probabilities.Sample(weights, justBelow), $"Length {length}: end of {i}.");
            }
        }
    }

    [TestMethod]
    public void Sample_OnePositiveWeight_DrawsItWhateverTheRandomNumber()
    {
        foreach (int length in Lengths.All)
        {
            foreach (int index in (int[])[0, length / 2, length - 1])
            {
                var weights = new float[length];
                weights[index] = float.Epsilon;
                Assert.AreEqual(index, Probabilities.Sample(weights, 0));
                Assert.AreEqual(index, Probabilities.Sample(weights, 0.5));
                Assert.AreEqual(index, Probabilities.Sample(weights, LargestUniform));
            }
        }
    }

    /// <summary>Weights whose float32 sum rounds up or down by more than the weights at the end of the block.</summary>
    [TestMethod]
    public void Sample_SumRounded_NeverDrawsWeightZero()
    {
        foreach (int length in Lengths.All.Where(length => length > 2))
        {
            var weights = new float[length];
            Array.Fill(weights, 0.1f);
            weights[0] = 1e7f;
            weights[^1] = 0;
            for (int steps = 0; steps < 40; steps++)
            {
                double uniform = 1 - Math.Pow(0.5, steps);
                Assert.AreNotEqual(length - 1, Probabilities.Sample(weights, Math.Min(uniform, LargestUniform)), $"Length {length}.");
            }
        }
    }

    [TestMethod]
    public void Sample_ManyTimes_HasTheDistributionOfTheWeights()
    {
        float[] weights = [0.5f, 0, 2, 1, 0.25f, 0, 4];
        double total = weights.Sum();
        var counts = new int[weights.Length];
        var random = new SplitMix64(6);
        for (int i = 0; i < 20_000; i++)
            counts[Probabilities.Sample(weights, random.NextDouble())]++;
        GoodnessOfFitResult result = GoodnessOfFit.Compare(counts, [.. weights.Select(weight => weight / total)]);
        Assert.IsTrue(result.Passes, result.ToString());
    }
}
