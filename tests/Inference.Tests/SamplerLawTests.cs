using AsArm.Assd;
using AsArm.Assd.Tests;

namespace AsArm.Inference.Tests;

/// <summary>
/// The samplers beyond Algorithm 1 through ONNX Runtime, with the cache: 20,000 samples of the micro network against its enumerated
/// joint. The parallel sampler is the control, which fails.
/// </summary>
[TestClass]
public sealed class SamplerLawTests
{
    private const int Samples = 20_000;
    private const int Batch = 500;

    private static readonly NgramTable s_table = NgramBytes.Table(MicroTask.Vocabulary, 3);

    public static IEnumerable<(string Task, Verification Verification, DraftSource? Source, bool Table)> Cases =>
        from task in (string[])["A", "B", "C"]
        from verification in Enum.GetValues<Verification>()
        from drafts in ((DraftSource? Source, bool Table)[])[(null, true), (null, false), (DraftSource.Product, true), (DraftSource.Network, false)]
        select (task, verification, drafts.Source, drafts.Table);

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Fused_OnMicro_HasTheExactLaw(string name, Verification verification, DraftSource? source, bool table)
    {
        MicroTask task = MicroTask.Load(name);
        (LawTestResult result, double nfe) = Draw(task, () => new FusedSampler(
            task.Order,
            task.Tokens,
            Options(3),
            MicroTask.Vocabulary,
            source is null ? new AdaptiveDraftPlan(CallCost.OfRows(20), draftLength: 3) : new FixedDraftPlan(source.Value, 2, 2),
            table ? s_table : null,
            verification));
        Assert.IsTrue(result.Passes, result.ToString());
        Assert.IsLessThan(task.Order.TargetCount, nfe);
    }

    [TestMethod]
    [DataRow("A")]
    [DataRow("B")]
    [DataRow("C")]
    public void Ngram_OnMicro_HasTheExactLaw(string name)
    {
        MicroTask task = MicroTask.Load(name);
        (LawTestResult result, _) = Draw(task, () => new NgramSampler(task.Order, task.Tokens, Options(3), MicroTask.Vocabulary));
        Assert.IsTrue(result.Passes, result.ToString());
    }

    /// <summary>Control: it verifies nothing, has the law of independent drafts, and the check sees it.</summary>
    [TestMethod]
    [DataRow("A")]
    [DataRow("B")]
    [DataRow("C")]
    public void Parallel_OnMicro_HasAnotherLaw(string name)
    {
        MicroTask task = MicroTask.Load(name);
        ParallelSampler Create() => new(task.Order, task.Tokens, Options(null), MicroTask.Vocabulary);
        Assert.IsTrue(Draw(task, Create, task.Independent).Result.TotalVariation < 0.03);
        Assert.IsFalse(Draw(task, Create).Result.Passes);
    }

    private static SamplingOptions Options(int? draftLength) => new() { BannedTokens = [MicroTask.MaskId], DraftLength = draftLength };

    private static (LawTestResult Result, double MeanNfe) Draw(MicroTask task, Func<Sampler> create, double[]? law = null)
    {
        using OnnxAnySubsetModel model = OnnxAnySubsetModel.Open(ModelFolder.Open(Files.Micro));
        var counts = new int[task.Joint.Length];
        long nfe = 0;
        for (int start = 0; start < Samples; start += Batch)
        {
            Sampler[] samplers = [.. Enumerable.Range(0, Batch).Select(_ => create())];
            ICoinSource[] coins = [.. Enumerable.Range(start, Batch).Select(seed => new SeededCoins(seed))];
            new SamplingLoop(model, samplers, coins).Run(CancellationToken.None);
            foreach (Sampler sampler in samplers)
            {
                counts[task.CellOf(sampler.Tokens)]++;
                nfe += sampler.Statistics.Nfe;
            }
        }

        return (LawTest.Compare(counts, law ?? task.Joint), (double)nfe / Samples);
    }
}
