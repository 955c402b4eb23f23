using AsArm.Assd.Distributions;
using AsArm.Assd.Ngrams;
using AsArm.Assd.Planning;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Assd.Samplers.Fused;
using AsArm.Assd.Tests.Exactness;
using AsArm.Assd.Tests.Support;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Tests.ModelFolders;
using AsArm.Inference.Tests.Support;

namespace AsArm.Inference.Tests.Exactness;

/// <summary>
/// The other samplers through ONNX Runtime with the cache: 20,000 samples of the micro network against its enumerated joint distribution. The parallel
/// sampler is the control, which must fail.
/// </summary>
[TestClass]
public sealed class SamplerDistributionTests
{
    private const int Samples = 20_000;
    private const int Batch = 500;

    private static readonly NgramTable s_table = NgramBytes.Table(MicroTask.Vocabulary, 3);

    public static IEnumerable<(string Task, VerificationMethod VerificationMethod, DraftSource? Source, bool Table)> Cases =>
        from task in (string[])["A", "B", "C"]
        from verification in Enum.GetValues<VerificationMethod>()
        from drafts in ((DraftSource? Source, bool Table)[])[(null, true), (null, false), (DraftSource.Product, true), (DraftSource.Network, false), (DraftSource.Head, true), (DraftSource.Head, false)]
        select (task, verification, drafts.Source, drafts.Table);

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Fused_OnMicro_HasTheExactDistribution(string name, VerificationMethod verification, DraftSource? source, bool table)
    {
        MicroTask task = MicroTask.Load(name);
        (GoodnessOfFitResult result, double nfe) = Draw(task, () => new FusedSampler(
            task.Order,
            task.Tokens,
            Options(3),
            MicroTask.Vocabulary,
            source is null ? new AdaptiveDraftPolicy(ForwardPassCost.OfOverhead(20), draftLength: 3) : new FixedDraftPolicy(source.Value, 2, 2),
            table ? s_table : null,
            verification,
            head: source == DraftSource.Head ? RandomHead.Create(MicroTask.Vocabulary, MicroTask.StateSize) : null));
        Assert.IsTrue(result.Passes, result.ToString());
        Assert.IsLessThan(task.Order.TargetCount, nfe);
    }

    [TestMethod]
    [DataRow("A")]
    [DataRow("B")]
    [DataRow("C")]
    public void Ngram_OnMicro_HasTheExactDistribution(string name)
    {
        MicroTask task = MicroTask.Load(name);
        (GoodnessOfFitResult result, _) = Draw(task, () => new NgramSampler(task.Order, task.Tokens, Options(3), MicroTask.Vocabulary));
        Assert.IsTrue(result.Passes, result.ToString());
    }

    /// <summary>Control: the test detects the distribution of independent drafts.</summary>
    [TestMethod]
    [DataRow("A")]
    [DataRow("B")]
    [DataRow("C")]
    public void Parallel_OnMicro_HasAnotherDistribution(string name)
    {
        MicroTask task = MicroTask.Load(name);
        ParallelSampler Create() => new(task.Order, task.Tokens, Options(null), MicroTask.Vocabulary);
        Assert.IsTrue(Draw(task, Create, task.Independent).Result.TotalVariation < 0.03);
        Assert.IsFalse(Draw(task, Create).Result.Passes);
    }

    private static SamplingOptions Options(int? draftLength) => new() { BannedTokens = [MicroTask.MaskId], DraftLength = draftLength };

    private static (GoodnessOfFitResult Result, double MeanNfe) Draw(MicroTask task, Func<Sampler> create, double[]? distribution = null)
    {
        using var folder = new TemporaryFolder(Files.Micro);
        ManifestText.ReplaceFile(folder, ModelFolder.DraftHeadFile, HeadBytes.Write(RandomHead.Weights(MicroTask.Vocabulary, MicroTask.StateSize))); // so that states are returned
        using OnnxAnySubsetModel model = OnnxModelLoader.Open(ModelFolder.Open(folder.Path));
        var counts = new int[task.Joint.Length];
        long nfe = 0;
        for (int start = 0; start < Samples; start += Batch)
        {
            Sampler[] samplers = [.. Enumerable.Range(0, Batch).Select(_ => create())];
            IRandomSource[] random = [.. Enumerable.Range(start, Batch).Select(seed => new SplitMix64(seed))];
            new SamplingLoop(model, samplers, random).Run(CancellationToken.None);
            foreach (Sampler sampler in samplers)
            {
                counts[task.CellOf(sampler.Tokens)]++;
                nfe += sampler.Statistics.Nfe;
            }
        }

        return (GoodnessOfFit.Compare(counts, distribution ?? task.Joint), (double)nfe / Samples);
    }
}
