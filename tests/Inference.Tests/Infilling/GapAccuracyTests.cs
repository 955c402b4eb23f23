using AsArm.Inference.Gaps;
using AsArm.Inference.Infilling;
using AsArm.Inference.Tests.Support;

namespace AsArm.Inference.Tests.Infilling;

/// <summary>A filling says whether it is a sample of the distribution of the model.</summary>
[TestClass]
public sealed class GapAccuracyTests
{
    private static readonly TextInfiller s_infiller = TextInfiller.Open(Files.Text);

    [ClassCleanup]
    public static void CloseModel() => s_infiller.Dispose();

    [TestMethod]
    [DataRow(SamplerKind.Fused, GapAccuracy.Exact)]
    [DataRow(SamplerKind.Assd, GapAccuracy.Exact)]
    [DataRow(SamplerKind.Ngram, GapAccuracy.Exact)]
    [DataRow(SamplerKind.Sequential, GapAccuracy.Exact)]
    [DataRow(SamplerKind.Parallel, GapAccuracy.Estimate)]
    public void Accuracy_OfASampler_IsThatOfItsDistribution(SamplerKind sampler, GapAccuracy expected)
    {
        var options = new InfillOptions { Sampler = sampler, Seed = 1 };
        InfillResult windows = s_infiller.Infill("A <mask:2> and a <mask>.", options), unknown = s_infiller.Infill("A <mask:2> and a <mask:1-2>.", options);
        Assert.IsTrue(windows.Gaps.All(gap => gap.Accuracy == expected));
        Assert.AreEqual(expected, unknown.Gaps[0].Accuracy, "A gap of a given length beside one of unknown length.");
        Assert.AreEqual(GapAccuracy.Estimate, unknown.Gaps[1].Accuracy);
    }
}
