using AsArm.Inference.Infilling;
using AsArm.Inference.Tests.Support;

namespace AsArm.Inference.Tests.Infilling;

/// <summary>The options of the draft policy of <see cref="SamplerKind.Fused" />, and the statistics of results.</summary>
[TestClass]
public sealed class DraftPolicyTests
{
    private const string Text = "The little dog <mask:4> the garden and <mask:6> until <mask>.";

    private static readonly TextInfiller s_infiller = TextInfiller.Open(Files.Default);

    [ClassCleanup]
    public static void CloseModel() => s_infiller.Dispose();

    [TestMethod]
    [DataRow(SamplerKind.Fused, 1.0)]
    [DataRow(SamplerKind.Fused, 0.7)]
    [DataRow(SamplerKind.Assd, 1.0)]
    [DataRow(SamplerKind.Ngram, 0.7)]
    [DataRow(SamplerKind.Sequential, 1.0)]
    public void JointLogProbability_OfAnExactSampler_EqualsTheStatistics(SamplerKind sampler, double temperature)
    {
        using TextInfiller infiller = TextInfiller.Open(Files.Default, new() { UseFloat32 = true });
        InfillResult result = infiller.Infill(Text, new InfillOptions { Sampler = sampler, Temperature = temperature, Seed = 5 });
        Assert.AreEqual(result.Statistics.LogProbability, infiller.JointLogProbability(result), 1e-3);
    }

    /// <summary>A row has the same bits whether keys are from the cache or of the same pass. Integer arithmetic would amplify any difference.</summary>
    [TestMethod]
    public void JointLogProbability_WithIntegerArithmetic_IsThatOfSampling() => Assert.IsLessThan(1e-6, DifferencePerToken(s_infiller));

    /// <summary>Control: the stateless graph rounds in another way; docs/model-format.md states how much.</summary>
    [TestMethod]
    public void JointLogProbability_OfTheStatelessGraph_IsWithinItsRounding()
    {
        using TextInfiller stateless = TextInfiller.Open(Files.Default, new() { UseCache = false });
        Assert.IsInRange(1e-3, 0.05, DifferencePerToken(stateless));
    }

    /// <summary>Between the log-probabilities while sampling, in several passes, and those of one pass over all tokens.</summary>
    private static double DifferencePerToken(TextInfiller joint)
    {
        double sum = 0;
        int tokens = 0;
        for (int seed = 0; seed < 20; seed++)
        {
            InfillResult result = s_infiller.Infill(Text, new InfillOptions { Seed = seed });
            sum += Math.Abs(result.Statistics.LogProbability - joint.JointLogProbability(result));
            tokens += result.Statistics.Generated;
        }

        return sum / tokens;
    }

    [TestMethod]
    public void JointLogProbability_OfTheParallelSampler_Differs()
    {
        InfillResult result = s_infiller.Infill("Tom had <mask:6> in his bag.", new InfillOptions { Sampler = SamplerKind.Parallel, Seed = 5 });
        Assert.IsGreaterThan(0.1, Math.Abs(result.Statistics.LogProbability - s_infiller.JointLogProbability(result)));
        Assert.ThrowsExactly<ArgumentException>(() => s_infiller.JointLogProbability(new InfillResult("", [], default, 0, default)));
    }

    [TestMethod]
    public void InfillBatch_LatencyMode_GivesEachAsAlone()
    {
        InfillRequest[] requests = [.. Enumerable.Range(0, 3).Select(i => new InfillRequest(
            "Tom had <mask:9> in his bag.", new InfillOptions { Seed = i, DraftMode = DraftMode.Latency }))];
        IReadOnlyList<InfillResult> together = s_infiller.InfillBatch(requests);
        for (int i = 0; i < requests.Length; i++)
            Assert.AreEqual(s_infiller.Infill(requests[i].Text, new InfillOptions { Seed = i }).Statistics, together[i].Statistics);
    }

    [TestMethod]
    public void Infill_LargeOverhead_NeedsFewerPasses()
    {
        int Passes(double overhead) => Enumerable.Range(0, 5).Sum(seed => s_infiller.Infill(
            "Once upon a time <mask:20> and they lived there.", new InfillOptions { Seed = seed, ForwardPassOverhead = overhead }).Statistics.Nfe);
        Assert.AreEqual(100, Passes(0.1), "Drafting is not profitable: one token per pass.");
        Assert.IsLessThan(80, Passes(200));
    }

    [TestMethod]
    [DataRow(0.0)]
    [DataRow(-1.0)]
    [DataRow(double.NaN)]
    [DataRow(double.PositiveInfinity)]
    public void Infill_InvalidOverhead_Throws(double overhead) => Assert.ThrowsExactly<ArgumentOutOfRangeException>(
        () => s_infiller.Infill(Text, new InfillOptions { ForwardPassOverhead = overhead }));

    [TestMethod]
    public void Infill_Fused_CountsDraftTokensBySource()
    {
        InfillResult fused = s_infiller.Infill("Once upon a time <mask:20> and they lived there.", new InfillOptions { Seed = 1 });
        Assert.AreEqual(fused.Statistics.Drafted, fused.Drafts.Values.Sum(counts => counts.Drafted));
        Assert.AreEqual(fused.Statistics.Accepted, fused.Drafts.Values.Sum(counts => counts.Accepted));
        Assert.IsEmpty(s_infiller.Infill(Text, new InfillOptions { Sampler = SamplerKind.Assd }).Drafts);
    }
}
