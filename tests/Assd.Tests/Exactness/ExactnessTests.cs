using AsArm.Assd.Distributions;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Assd.Tests.Support;

namespace AsArm.Assd.Tests.Exactness;

/// <summary>
/// Theorem 2: the output distribution is the joint. 20,000 samples of each task are compared with the enumerated joint; controls with
/// flawed samplers must fail the same check.
/// </summary>
[TestClass]
public sealed class ExactnessTests
{
    private const long Seed = 20250424;

    public static IEnumerable<string> Cases => DistributionCases.Names;

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Run_Sequential_HasTheExactDistribution(string name) => AssertExact(DistributionCases.Get(name), SamplerKind.Sequential);

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Run_Assd_HasTheExactDistribution(string name) => AssertExact(DistributionCases.Get(name), SamplerKind.Assd);

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Run_Ngram_HasTheExactDistribution(string name) => AssertExact(DistributionCases.Get(name), SamplerKind.Ngram);

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Run_Fused_HasTheExactDistribution(string name) => AssertExact(DistributionCases.Get(name), SamplerKind.Fused);

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Run_FusedTokenWise_HasTheExactDistribution(string name) => AssertExact(DistributionCases.Get(name), SamplerKind.FusedTokenWise);

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Run_FusedHead_HasTheExactDistribution(string name) => AssertExact(DistributionCases.Get(name), SamplerKind.FusedHead);

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Run_Assd_HasTheExpectedNfe(string name)
    {
        DistributionCase task = DistributionCases.Get(name);
        task.Test(SamplerKind.Assd, Seed + 1, out double meanNfe);
        double expected = new AssdOutcomeTree(task.Conditionals, task.DraftLength).ExpectedNfe;
        Assert.AreEqual(expected, meanNfe, 0.01 * expected);
    }

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void AssdOutcomeTree_EveryCase_SumsToTheJoint(string name)
    {
        DistributionCase task = DistributionCases.Get(name);
        double[] distribution = new AssdOutcomeTree(task.Conditionals, task.DraftLength).Distribution;
        Assert.AreEqual(1, task.Joint.Sum(), 1e-9);
        for (int i = 0; i < distribution.Length; i++)
            Assert.AreEqual(task.Joint[i], distribution[i], 1e-9);
    }

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Run_AssdWithTheRandomNumbersOfTheReference_DrawsTheSameTokens(string name)
    {
        DistributionCase task = DistributionCases.Get(name);
        var reference = new ReferenceSampler(task.Conditionals, task.DraftLength, Flaw.None);
        for (int seed = 0; seed < 500; seed++)
        {
            var sampler = new AssdSampler(task.Order, task.Tokens, task.Options, task.Model.VocabularySize);
            Decoding.Run(sampler, task.Model, new SplitMix64(seed));
            int[] expected = reference.Run(new SplitMix64(seed));
            int[] actual = [.. task.Order.Positions[task.Order.GivenCount..].ToArray().Select(position => sampler.State.Tokens[position])];
            SpanAssert.AreEqual<int>(expected, actual, $"Seed {seed}.");
        }
    }

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void ReferenceSampler_WithoutFlaw_Passes(string name)
    {
        GoodnessOfFitResult result = DistributionCases.Get(name).Test(Flaw.None, Seed + 2);
        Assert.IsTrue(result.Passes, result.ToString());
    }

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void ReferenceSampler_ResidualNotSubtracted_IsDetected(string name) => AssertDetected(name, Flaw.ResidualNotSubtracted);

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void ReferenceSampler_AlwaysAccepting_IsDetected(string name) => AssertDetected(name, Flaw.AlwaysAccept);

    [TestMethod]
    public void ReferenceSampler_MaskNotRenormalised_IsDetected() => AssertDetected(DistributionCases.Masked, Flaw.MaskNotRenormalised);

    [TestMethod]
    public void ReferenceSampler_RestrictionNotRenormalised_IsDetected() => AssertDetected(DistributionCases.Restricted, Flaw.MaskNotRenormalised);

    /// <summary>Control: without the restriction every sampler has another distribution, which the check must detect.</summary>
    [TestMethod]
    [DataRow(SamplerKind.Sequential)]
    [DataRow(SamplerKind.Assd)]
    [DataRow(SamplerKind.Ngram)]
    [DataRow(SamplerKind.Fused)]
    [DataRow(SamplerKind.FusedTokenWise)]
    [DataRow(SamplerKind.FusedHead)]
    public void Run_WithoutTheRestriction_IsDetected(SamplerKind kind)
    {
        DistributionCase restricted = DistributionCases.Get(DistributionCases.Restricted);
        var free = new DistributionCase(restricted.Model, restricted.Order, restricted.Options with { BannedTokensAt = new Dictionary<int, TokenSet>() });
        Assert.IsTrue(free.Test(kind, Seed, out _).Passes);
        Assert.IsFalse(free.Test(kind, Seed, restricted.Joint).Passes);
    }

    /// <summary>Control: without the biases every sampler has another distribution, which the check must detect.</summary>
    [TestMethod]
    [DataRow(SamplerKind.Sequential)]
    [DataRow(SamplerKind.Assd)]
    [DataRow(SamplerKind.Ngram)]
    [DataRow(SamplerKind.Fused)]
    [DataRow(SamplerKind.FusedTokenWise)]
    [DataRow(SamplerKind.FusedHead)]
    public void Run_WithoutTheBiases_IsDetected(SamplerKind kind)
    {
        DistributionCase biased = DistributionCases.Get(DistributionCases.Biased);
        var free = new DistributionCase(biased.Model, biased.Order, biased.Options with { LogitBias = new Dictionary<int, double>() });
        Assert.IsTrue(free.Test(kind, Seed, out _).Passes);
        Assert.IsFalse(free.Test(kind, Seed, biased.Joint).Passes);
    }

    private static void AssertExact(DistributionCase task, SamplerKind kind)
    {
        GoodnessOfFitResult result = task.Test(kind, Seed, out _);
        Assert.IsTrue(result.Passes, result.ToString());
        Assert.IsLessThanOrEqualTo(0.0135, result.PerfectTotalVariation, "The task is too large for the bound on total variation.");
    }

    private static void AssertDetected(string name, Flaw flaw)
    {
        GoodnessOfFitResult result = DistributionCases.Get(name).Test(flaw, Seed);
        Assert.IsFalse(result.Passes, $"The flaw {flaw} was not detected: {result}");
    }
}
