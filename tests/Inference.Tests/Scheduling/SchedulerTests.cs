using AsArm.Inference.Infilling;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Scheduling;
using AsArm.Inference.Tests.Support;
using AsArm.Inference.Text;

namespace AsArm.Inference.Tests.Scheduling;

/// <summary>One queue and one batch for all callers; the forward passes wait for the test.</summary>
[TestClass]
public sealed class SchedulerTests
{
    private const int Timeout = 120_000;

    [TestMethod]
    [Timeout(Timeout)]
    public async Task InfillAsync_ConcurrentCallers_ShareForwardPasses()
    {
        await using TextInfiller infiller = GatedTexts.Open(out GatedModel model);
        Task<InfillResult> first = infiller.InfillAsync(GatedTexts.Request(0));
        model.WaitForPass();
        Task<InfillResult>[] others = [.. Enumerable.Range(1, 5).Select(i => infiller.InfillAsync(GatedTexts.Request(i)))];
        Task<ScoreResult> score = infiller.ScoreAsync("The [[cat]] sat.");
        model.Open();
        await Task.WhenAll([first, .. others, score]);
        CollectionAssert.AreEqual(new[] { 1, 6 }, model.BatchSizes.ToArray(), "The score too.");
    }

    /// <summary>The first 16 share a pass, then the next 16 in the order of submission.</summary>
    [TestMethod]
    [Timeout(Timeout)]
    public async Task InfillAsync_MoreThanABatch_IsFirstComeFirstServed()
    {
        await using TextInfiller infiller = GatedTexts.Open(out GatedModel model);
        Task<InfillResult> first = infiller.InfillAsync(GatedTexts.Request(0));
        model.WaitForPass();
        Task<InfillResult>[] others = [.. Enumerable.Range(1, 40).Select(i => infiller.InfillAsync(GatedTexts.Request(i)))];
        model.Permit();
        model.WaitForPass();
        model.Permit();
        model.WaitForPass(); // the second batch of 16 is in it
        await Task.WhenAll(others[..16]);
        Assert.IsTrue(others[16..].All(task => !task.IsCompleted));
        model.Open();
        await Task.WhenAll([first, .. others]);
        CollectionAssert.AreEqual(new[] { 1, 16, 16, 8 }, model.BatchSizes.ToArray());
    }

    [TestMethod]
    [Timeout(Timeout)]
    public async Task InfillBatchAsync_NullCollectionInAnOption_IsAnErrorOfThatRequest()
    {
        await using TextInfiller infiller = GatedTexts.Open(out GatedModel model);
        model.Open();
        InfillRequest bad = GatedTexts.Request(1) with { Options = new InfillOptions { BannedTokens = null! } };
        List<InfillOutcome> outcomes = await infiller.InfillBatchAsync(new[] { GatedTexts.Request(0), bad, GatedTexts.Request(2) }.ToAsyncEnumerable()).ToListAsync();
        CollectionAssert.AreEqual(new[] { false, true, false }, outcomes.Select(outcome => outcome.Error is ArgumentNullException).ToArray());
    }

    [TestMethod]
    [Timeout(Timeout)]
    public async Task InfillAsync_FullQueue_RejectsOrWaits()
    {
        foreach (QueueFullMode mode in Enum.GetValues<QueueFullMode>())
        {
            await using TextInfiller infiller = GatedTexts.Open(out GatedModel model, new() { MaxQueuedRequests = 2, QueueFullMode = mode });
            Task<InfillResult> running = infiller.InfillAsync(GatedTexts.Request(0));
            model.WaitForPass();
            Task<InfillResult>[] queued = [infiller.InfillAsync(GatedTexts.Request(1)), infiller.InfillAsync(GatedTexts.Request(2))];
            Task<InfillResult> third = infiller.InfillAsync(GatedTexts.Request(3));
            if (mode == QueueFullMode.Reject)
                await Assert.ThrowsExactlyAsync<QueueFullException>(() => third);
            else
                Assert.IsFalse(third.IsCompleted);
            Task<List<InfillOutcome>> batch = infiller.InfillBatchAsync(Enumerable.Range(4, 3).Select(i => GatedTexts.Request(i)).ToAsyncEnumerable()).ToListAsync().AsTask();
            model.Open();
            await Task.WhenAll([running, .. queued]);
            Assert.IsTrue((await batch).All(outcome => outcome.Result is not null), "Batches wait.");
            if (mode == QueueFullMode.Wait)
                Assert.AreEqual(GatedTexts.Alone(3), (await third).Text);
            Assert.AreEqual(GatedTexts.Alone(7), (await infiller.InfillAsync(GatedTexts.Request(7))).Text);
        }
    }

    /// <summary>A refused request gives its place in the queue back.</summary>
    [TestMethod]
    [Timeout(Timeout)]
    public async Task InfillAsync_InvalidTexts_KeepNoPlace()
    {
        await using TextInfiller infiller = GatedTexts.Open(out GatedModel model, new() { MaxQueuedRequests = 2, QueueFullMode = QueueFullMode.Reject });
        for (int i = 0; i < 5; i++)
            await Assert.ThrowsExactlyAsync<InfillTextException>(() => infiller.InfillAsync("No gap."));
        model.Open();
        Assert.AreEqual(GatedTexts.Alone(1), (await infiller.InfillAsync(GatedTexts.Request(1))).Text);
    }

    [TestMethod]
    [Timeout(Timeout)]
    public async Task InfillAsync_ModelThatThrows_FailsThePassAndGoesOn()
    {
        await using TextInfiller infiller = GatedTexts.Open(out GatedModel model);
        Task<InfillResult> first = infiller.InfillAsync(GatedTexts.Request(0));
        model.WaitForPass();
        model.Error = new ModelRunException("Out of memory.");
        Task<InfillResult> second = infiller.InfillAsync(GatedTexts.Request(1));
        model.Permit();
        await Assert.ThrowsExactlyAsync<ModelRunException>(() => first);
        model.Open();
        Assert.AreEqual(GatedTexts.Alone(1), (await second).Text);
    }

    [TestMethod]
    [Timeout(Timeout)]
    public async Task Dispose_WithRequests_EndsThemAndReleasesTheModel()
    {
        TextInfiller infiller = GatedTexts.Open(out GatedModel model, new() { MaxQueuedRequests = 1 });
        Task<InfillResult> running = infiller.InfillAsync(GatedTexts.Request(0));
        model.WaitForPass();
        Task<InfillResult> queued = infiller.InfillAsync(GatedTexts.Request(1)), waiting = infiller.InfillAsync(GatedTexts.Request(2));
        await infiller.DisposeAsync();
        foreach (Task<InfillResult> task in (Task<InfillResult>[])[running, queued, waiting])
            await Assert.ThrowsExactlyAsync<ObjectDisposedException>(() => task);
        Assert.IsTrue(model.IsDisposed);
        await Assert.ThrowsExactlyAsync<ObjectDisposedException>(() => infiller.InfillAsync(GatedTexts.Request(3)));
        Assert.ThrowsExactly<ObjectDisposedException>(() => infiller.Infill("A <mask>."));
        Assert.ThrowsExactly<ObjectDisposedException>(() => infiller.Score("A [[cat]]."));
        await infiller.DisposeAsync();
    }

    [TestMethod]
    [Timeout(Timeout)]
    public async Task Drain_WithRequests_FinishesThemAndAcceptsNoMore()
    {
        await using TextInfiller infiller = GatedTexts.Open(out GatedModel model);
        Task<InfillResult>[] accepted = [.. Enumerable.Range(0, 20).Select(i => infiller.InfillAsync(GatedTexts.Request(i)))];
        Task drained = infiller.DrainAsync();
        await Assert.ThrowsExactlyAsync<ObjectDisposedException>(() => infiller.InfillAsync(GatedTexts.Request(30)));
        Assert.IsFalse(drained.IsCompleted);
        model.Open();
        await drained;
        Assert.IsTrue(accepted.All(task => task.IsCompletedSuccessfully || task.Wait(Timeout)));
    }

    [TestMethod]
    [Timeout(Timeout)]
    public async Task Drain_Cancelled_CancelsTheRest()
    {
        await using TextInfiller infiller = GatedTexts.Open(out GatedModel model);
        using var stop = new CancellationTokenSource();
        Task<InfillResult>[] accepted = [.. Enumerable.Range(0, 20).Select(i => infiller.InfillAsync(GatedTexts.Request(i)))];
        model.WaitForPass();
        Task drained = infiller.DrainAsync(stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(() => drained);
        foreach (Task<InfillResult> task in accepted)
            await Assert.ThrowsAsync<OperationCanceledException>(() => task);
    }

    /// <summary>Blocking callers on all threads of the pool do not wait for each other.</summary>
    [TestMethod]
    [Timeout(Timeout)]
    public void Infill_BlockingCallersOnThePool_AllGetTheirAnswers()
    {
        using TextInfiller infiller = TextInfiller.Open(Files.Default);
        Parallel.For(0, 64, new ParallelOptions { MaxDegreeOfParallelism = 32 }, i => Assert.AreEqual(GatedTexts.Alone(i), infiller.Infill(GatedTexts.Request(i)).Text));
    }
}
