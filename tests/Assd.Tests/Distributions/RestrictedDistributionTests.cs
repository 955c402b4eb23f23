using AsArm.Assd.Distributions;
using AsArm.Assd.Randomness;
using AsArm.Assd.Tests.Exactness;
using AsArm.Assd.Tests.Support;

namespace AsArm.Assd.Tests.Distributions;

/// <summary>Distributions of some tokens only, and entropies, against loops in float64.</summary>
[TestClass]
public sealed class RestrictedDistributionTests
{
    private const int Length = 50;
    private static readonly int[] s_allowed = [4, 9, 11, 30, 44];
    private static readonly TokenSet s_bannedHere = new([9]);

    public static IEnumerable<SamplingOptions> AllOptions =>
    [
        new(), new() { Temperature = 0.7 }, new() { TopK = 16 }, new() { BannedTokens = [4, 20] }, new() { LogitBias = new Dictionary<int, double> { [11] = 2, [20] = 1 } },
    ];

    [TestMethod]
    [DynamicData(nameof(AllOptions))]
    public void ToProbabilitiesOf_SomeTokens_AreTheConditionalsAndTheirMass(SamplingOptions options)
    {
        float[] row = Row(), probabilities = new float[Length];
        double[] all = ReferenceMath.Distribution(row, options with { BannedTokens = [.. options.BannedTokens, 9] });
        double mass = s_allowed.Sum(token => all[token]);
        double found = new LogitsProcessor(options, Length).ToProbabilitiesOf(new TokenMask(Length, s_allowed), row, probabilities, s_bannedHere);
        Assert.AreEqual(Math.Log(mass), found, 1e-5);
        for (int token = 0; token < Length; token++)
            Assert.AreEqual(s_allowed.Contains(token) ? all[token] / mass : 0, probabilities[token], 1e-5);
    }

    [TestMethod]
    public void ToProbabilitiesOf_ImpossibleTokens_WritesNothing()
    {
        float[] probabilities = [.. Enumerable.Repeat(0.5f, Length)];
        double found = new LogitsProcessor(new() { BannedTokens = [4] }, Length).ToProbabilitiesOf(new TokenMask(Length, [4, 9]), Row(), probabilities, s_bannedHere);
        Assert.AreEqual(double.NegativeInfinity, found);
        Assert.IsTrue(probabilities.All(probability => probability == 0.5f));
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void ToMode_SomeTokens_IsTheMostProbableOfThem(bool restricted)
    {
        float[] row = Row(), probabilities = [.. Enumerable.Repeat(0.5f, Length)];
        double[] all = ReferenceMath.Distribution(row, new() { BannedTokens = [9] });
        int expected = (restricted ? s_allowed : [.. Enumerable.Range(0, Length)]).MaxBy(token => all[token]);
        double found = new LogitsProcessor(new() { Temperature = 0 }, Length).ToMode(row, probabilities, s_bannedHere, restricted ? new TokenMask(Length, s_allowed) : null);
        Assert.AreEqual(Math.Log(all[expected]), found, 1e-5);
        SpanAssert.AreEqual<float>([.. Enumerable.Range(0, Length).Select(token => token == expected ? 1f : 0)], probabilities);
    }

    /// <summary>Which token it is then is not specified, but it is a distribution.</summary>
    [TestMethod]
    public void ToMode_ImpossibleTokens_HasProbabilityZero()
    {
        float[] probabilities = [.. Enumerable.Repeat(0.5f, Length)];
        double found = new LogitsProcessor(new() { Temperature = 0 }, Length).ToMode(Row(), probabilities, s_bannedHere, new TokenMask(Length, [9]));
        Assert.AreEqual(double.NegativeInfinity, found);
        Assert.AreEqual((1, 1), (probabilities.Count(one => one == 1), probabilities.Count(one => one != 0)));
    }

    [TestMethod]
    [DynamicData(nameof(AllOptions))]
    public void Entropy_OfARow_IsThatOfItsDistribution(SamplingOptions options)
    {
        double expected = ReferenceMath.Distribution(Row(), options).Where(probability => probability > 0).Sum(probability => -probability * Math.Log(probability));
        LogitsProcessor processor = new(options, Length) { ComputesEntropy = true }, other = new(options, Length) { ComputesEntropy = true };
        processor.ToProbabilities(Row());
        Assert.AreEqual(expected, processor.Entropy, 1e-5);
        other.LogProbability(Row(), 0);
        Assert.AreEqual(expected, other.Entropy, 1e-5);
    }

    /// <summary>In greedy decoding that of temperature 1.</summary>
    [TestMethod]
    public void Entropy_OfAGreedyRow_IsThatOfTemperatureOne()
    {
        double expected = ReferenceMath.Distribution(Row(), new()).Sum(probability => -probability * Math.Log(probability));
        var processor = new LogitsProcessor(new() { Temperature = 0 }, Length) { ComputesEntropy = true };
        processor.ToProbabilities(Row());
        Assert.AreEqual(expected, processor.Entropy, 1e-5);
    }

    [TestMethod]
    public void Entropy_NotAskedFor_IsNotComputed()
    {
        var processor = new LogitsProcessor(new(), Length);
        processor.ToProbabilities(Row());
        processor.LogProbability(Row(), 0);
        Assert.AreEqual(0, processor.Entropy);
    }

    [TestMethod]
    public void Entropy_OfADistribution_IsInNats()
    {
        Assert.AreEqual(0, Probabilities.Entropy([0, 1, 0]), 1e-12);
        Assert.AreEqual(Math.Log(4), Probabilities.Entropy([0.25f, 0.25f, 0.25f, 0.25f]), 1e-9);
        Assert.AreEqual(1.5 * Math.Log(2), Probabilities.Entropy([0.5f, 0.25f, 0, 0.25f]), 1e-9);
    }

    /// <summary>Without overflow for large logits, and for none that is possible.</summary>
    [TestMethod]
    public void LogTotal_Logits_IsTheLogOfTheSum()
    {
        Assert.AreEqual(Math.Log(Math.Exp(1) + Math.Exp(-2) + 1), Probabilities.LogTotal([1, -2, 0, float.NegativeInfinity]), 1e-9);
        Assert.AreEqual(1000 + Math.Log(2), Probabilities.LogTotal([1000, 1000, -1000]), 1e-9);
        Assert.AreEqual(double.NegativeInfinity, Probabilities.LogTotal([float.NegativeInfinity, float.NegativeInfinity]));
    }

    private static float[] Row() => new SplitMix64(3).NextRow(Length, 2);
}
