namespace AsArm.Assd.Tests;

/// <summary>
/// Theorem 2: the output law is the joint. 20,000 samples of each task against the enumerated joint, and flawed samplers that the
/// same check must catch.
/// </summary>
[TestClass]
public sealed class ExactnessTests
{
    private const long Seed = 20250424;

    public static IEnumerable<string> Cases => LawCases.Names;

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Run_Sequential_HasTheExactLaw(string name) => AssertExact(LawCases.Get(name), SamplerKind.Sequential);

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Run_Assd_HasTheExactLaw(string name) => AssertExact(LawCases.Get(name), SamplerKind.Assd);

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Run_Ngram_HasTheExactLaw(string name) => AssertExact(LawCases.Get(name), SamplerKind.Ngram);

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Run_Fused_HasTheExactLaw(string name) => AssertExact(LawCases.Get(name), SamplerKind.Fused);

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Run_FusedTokenWise_HasTheExactLaw(string name) => AssertExact(LawCases.Get(name), SamplerKind.FusedTokenWise);

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Run_AssdOnEnumeratedTask_MakesTheExpectedNumberOfCalls(string name)
    {
        LawCase task = LawCases.Get(name);
        task.Test(SamplerKind.Assd, Seed + 1, out double meanNfe);
        double expected = new AssdDecisionTree(task.Conditionals, task.DraftLength).ExpectedNfe;
        Assert.AreEqual(expected, meanNfe, 0.01 * expected);
    }

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void DecisionTree_OfAlgorithm1_SumsToTheJoint(string name)
    {
        LawCase task = LawCases.Get(name);
        double[] law = new AssdDecisionTree(task.Conditionals, task.DraftLength).Law;
        Assert.AreEqual(1, task.Joint.Sum(), 1e-9);
        for (int i = 0; i < law.Length; i++)
            Assert.AreEqual(task.Joint[i], law[i], 1e-9);
    }

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Run_AssdWithTheCoinsOfTheReference_DrawsTheSameTokens(string name)
    {
        LawCase task = LawCases.Get(name);
        var reference = new ReferenceSampler(task.Conditionals, task.DraftLength, Flaw.None);
        for (int seed = 0; seed < 500; seed++)
        {
            var sampler = new AssdSampler(task.Order, task.Tokens, task.Options, task.Model.VocabularySize);
            Decoding.Run(sampler, task.Model, new SeededCoins(seed));
            int[] expected = reference.Run(new SeededCoins(seed));
            int[] actual = [.. task.Order.Positions[task.Order.GivenCount..].ToArray().Select(position => sampler.Call.Tokens[position])];
            SpanAssert.AreEqual<int>(expected, actual, $"Seed {seed}.");
        }
    }

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void ReferenceSampler_WithoutFlaw_Passes(string name)
    {
        LawTestResult result = LawCases.Get(name).Test(Flaw.None, Seed + 2);
        Assert.IsTrue(result.Passes, result.ToString());
    }

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void ReferenceSampler_ResidualNotSubtracted_IsCaught(string name) => AssertCaught(name, Flaw.ResidualNotSubtracted);

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void ReferenceSampler_AlwaysAccepting_IsCaught(string name) => AssertCaught(name, Flaw.AlwaysAccept);

    [TestMethod]
    public void ReferenceSampler_MaskNotRenormalised_IsCaught() => AssertCaught(LawCases.Masked, Flaw.MaskNotRenormalised);

    [TestMethod]
    public void ReferenceSampler_RestrictionNotRenormalised_IsCaught() => AssertCaught(LawCases.Restricted, Flaw.MaskNotRenormalised);

    /// <summary>Control: without the restriction every sampler has another distribution, and the check sees it.</summary>
    [TestMethod]
    [DataRow(SamplerKind.Sequential)]
    [DataRow(SamplerKind.Assd)]
    [DataRow(SamplerKind.Ngram)]
    [DataRow(SamplerKind.Fused)]
    [DataRow(SamplerKind.FusedTokenWise)]
    public void Run_WithoutTheRestriction_IsCaught(SamplerKind kind)
    {
        LawCase restricted = LawCases.Get(LawCases.Restricted);
        var free = new LawCase(restricted.Model, restricted.Order, restricted.Options with { BannedTokensAt = new Dictionary<int, TokenSet>() });
        Assert.IsTrue(free.Test(kind, Seed, out _).Passes);
        Assert.IsFalse(free.Test(kind, Seed, restricted.Joint).Passes);
    }

    private static void AssertExact(LawCase task, SamplerKind kind)
    {
        LawTestResult result = task.Test(kind, Seed, out _);
        Assert.IsTrue(result.Passes, result.ToString());
        Assert.IsLessThanOrEqualTo(0.0135, result.PerfectTotalVariation, "The task is too large for the bound on total variation.");
    }

    private static void AssertCaught(string name, Flaw flaw)
    {
        LawTestResult result = LawCases.Get(name).Test(flaw, Seed);
        Assert.IsFalse(result.Passes, $"A sampler with the flaw {flaw} went through: {result}");
    }
}
