using AsArm.Assd.Ngrams;
using AsArm.Assd.Ordering;
using AsArm.Assd.Planning;
using AsArm.Assd.Samplers.Fused;
using AsArm.Inference.Devices;
using AsArm.Inference.Infilling;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx;
using AsArm.Inference.Tests.Support;
using AsArm.Inference.Text;

namespace AsArm.Inference.Tests.Infilling;

/// <summary>Memory of waiting jobs, and exclusive use of the model.</summary>
[TestClass]
[DoNotParallelize] // a test measures memory
public sealed class JobRunnerTests
{
    private static readonly ModelFolder s_folder = ModelFolder.Open(Files.Default);
    private static readonly InfillTokenizer s_tokenizer = InfillTokenizer.Open(s_folder.TokenizerPath!, s_folder.Manifest);

    /// <summary>Results that wait for an earlier one do not keep the memory of their samplers.</summary>
    [TestMethod]
    public void Run_ManyWaitingForTheFirst_KeepNoSamplers()
    {
        const int Waiting = 200;
        NgramTable ngrams = NgramFile.Read(s_folder)!;
        using var runner = new JobRunner(OnnxModelLoader.Open(s_folder), 16);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        InfillJob[] jobs = [NewJob("It was <mask:60>.", ngrams), .. Enumerable.Range(0, Waiting).Select(_ => NewJob("It was <mask>.", ngrams))];
        using IEnumerator<InfillOutcome> results = runner.Run(jobs.Select(Pending), CancellationToken.None).GetEnumerator();
        Assert.IsTrue(results.MoveNext());
        Assert.AreEqual(Waiting, jobs.Skip(1).Count(job => job.IsDone), "All others are finished before the first.");
        long held = GC.GetTotalMemory(forceFullCollection: true) - before;
        Assert.IsLessThan(Waiting * SamplerBytes(ngrams) / 4, held);
    }

    [TestMethod]
    public void Run_AfterDispose_Throws()
    {
        NgramTable ngrams = NgramFile.Read(s_folder)!;
        using var runner = new JobRunner(OnnxModelLoader.Open(s_folder), 16);
        runner.Dispose();
        InfillJob job = NewJob("It was <mask>.", ngrams);
        Assert.ThrowsExactly<ObjectDisposedException>(() => runner.Run([Pending(job)], CancellationToken.None).ToList());
    }

    [TestMethod]
    [Timeout(60_000)]
    public async Task StepsAsync_DisposedWhileTheModelIsInUse_BlocksNoThread()
    {
        using var runner = new JobRunner(OnnxModelLoader.Open(s_folder), 16);
        IAsyncEnumerator<bool> steps = runner.StepsAsync(NewJob("It was <mask:20>.", null), CancellationToken.None).GetAsyncEnumerator();
        Assert.IsTrue(await steps.MoveNextAsync());
        Task? ending = null;
        bool ended = true;
        runner.RunExclusive(
            () =>
            {
                ending = steps.DisposeAsync().AsTask();
                ended = ending.IsCompleted;
            },
            CancellationToken.None);
        Assert.IsFalse(ended, "It waits for the model.");
        await ending!;
    }

    private static PendingRequest Pending(InfillJob job) => new(new InfillRequest("", new()), job, null);

    private static InfillJob NewJob(string text, NgramTable? ngrams) => new(
        new WindowedText(TextMarkup.Parse(text, spans: false), new SegmentEncoder(s_tokenizer, s_folder.Manifest, GapSpacing.AsTyped), mayCut: false), new InfillOptions { Seed = 1 },
        new InfillSetting(s_folder.Manifest, Device.Cpu, s_folder.Manifest.SpecialIds, ngrams), mode: DraftMode.Latency);

    private static long SamplerBytes(NgramTable ngrams)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        _ = new FusedSampler(Order.LeftToRight([true, false, true]), [9, 0, 9], new(), ngrams.VocabularySize, new AdaptiveDraftPolicy(ForwardPassCost.OfOverhead(20)), ngrams);
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
