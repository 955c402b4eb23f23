using AsArm.Inference.Infilling;
using AsArm.Inference.Tests.Support;

namespace AsArm.Inference.Tests.Infilling;

/// <summary>What <see cref="SamplerKind.Fused" /> plans by, and what a result tells of how it came about.</summary>
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
    public void JointLogProbability_OfAnExactSampler_IsThatOfItsStatistics(SamplerKind sampler, double temperature)
    {
        using TextInfiller infiller = TextInfiller.Open(Files.Default, inFloat32: true);
        InfillResult result = infiller.Infill(Text, new InfillOptions { Sampler = sampler, Temperature = temperature, Seed = 5 });
        Assert.AreEqual(result.Statistics.LogProbability, infiller.JointLogProbability(result), 1e-3);
    }

    /// <summary>Integer products magnify the last bits in which a call of all tokens differs from one call after the other; how far is stated in docs/model-format.md.</summary>
    [TestMethod]
    public void JointLogProbability_WithIntegerProducts_IsWithinTheirRounding()
    {
        double sum = 0;
        int tokens = 0;
        for (int seed = 0; seed < 20; seed++)
        {
            InfillResult result = s_infiller.Infill(Text, new InfillOptions { Seed = seed });
            sum += Math.Abs(result.Statistics.LogProbability - s_infiller.JointLogProbability(result));
            tokens += result.Statistics.Generated;
        }

        Assert.IsInRange(1e-5, 0.02, sum / tokens);
    }

    [TestMethod]
    public void JointLogProbability_OfTheParallelSampler_IsAnother()
    {
        InfillResult result = s_infiller.Infill("Tom had <mask:6> in his bag.", new InfillOptions { Sampler = SamplerKind.Parallel, Seed = 5 });
        Assert.IsGreaterThan(0.1, Math.Abs(result.Statistics.LogProbability - s_infiller.JointLogProbability(result)));
        Assert.ThrowsExactly<ArgumentException>(() => s_infiller.JointLogProbability(new InfillResult("", [], default, 0, default)));
    }

    [TestMethod]
    public void InfillBatch_NotPlannedAsOne_GivesEachAsAlone()
    {
        InfillRequest[] requests = [.. Enumerable.Range(0, 3).Select(i => new InfillRequest(
            "Tom had <mask:9> in his bag.", new InfillOptions { Seed = i, DraftMode = DraftMode.Latency }))];
        IReadOnlyList<InfillResult> together = s_infiller.InfillBatch(requests);
        for (int i = 0; i < requests.Length; i++)
            Assert.AreEqual(s_infiller.Infill(requests[i].Text, new InfillOptions { Seed = i }).Statistics, together[i].Statistics);
    }

    [TestMethod]
    public void Infill_DearCalls_AreFewer()
    {
        int Calls(double rows) => Enumerable.Range(0, 5).Sum(seed => s_infiller.Infill(
            "Once upon a time <mask:20> and they lived there.", new InfillOptions { Seed = seed, ForwardPassOverhead = rows }).Statistics.Nfe);
        Assert.AreEqual(100, Calls(0.1), "Rows are dear: one token a call.");
        Assert.IsLessThan(80, Calls(200));
    }

    [TestMethod]
    [DataRow(0.0)]
    [DataRow(-1.0)]
    [DataRow(double.NaN)]
    [DataRow(double.PositiveInfinity)]
    public void Infill_ImpossibleCallCost_Throws(double rows) => Assert.ThrowsExactly<ArgumentOutOfRangeException>(
        () => s_infiller.Infill(Text, new InfillOptions { ForwardPassOverhead = rows }));

    [TestMethod]
    public void Infill_Fused_TellsOfItsSources()
    {
        InfillResult fused = s_infiller.Infill("Once upon a time <mask:20> and they lived there.", new InfillOptions { Seed = 1 });
        Assert.AreEqual(fused.Statistics.Drafted, fused.Drafts.Values.Sum(counts => counts.Drafted));
        Assert.AreEqual(fused.Statistics.Accepted, fused.Drafts.Values.Sum(counts => counts.Accepted));
        Assert.IsEmpty(s_infiller.Infill(Text, new InfillOptions { Sampler = SamplerKind.Assd }).Drafts);
    }
}
