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

    private static readonly TextInfiller s_alone = TextInfiller.Open(Files.Default);

    [ClassCleanup]
    public static void CloseModel() => s_alone.Dispose();

    [TestMethod]
    [Timeout(Timeout)]
    public async Task InfillAsync_ConcurrentCallers_ShareForwardPasses()
    {
        await using TextInfiller infiller = Open(out GatedModel model);
        Task<InfillResult> first = infiller.InfillAsync(Request(0));
        model.WaitForPass();
        Task<InfillResult>[] others = [.. Enumerable.Range(1, 5).Select(i => infiller.InfillAsync(Request(i)))];
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
        await using TextInfiller infiller = Open(out GatedModel model);
        Task<InfillResult> first = infiller.InfillAsync(Request(0));
        model.WaitForPass();
        Task<InfillResult>[] others = [.. Enumerable.Range(1, 40).Select(i => infiller.InfillAsync(Request(i)))];
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
    public async Task InfillAsync_CancelledWhileQueued_EndsAtOnce()
    {
        await using TextInfiller infiller = Open(out GatedModel model);
        using var stop = new CancellationTokenSource();
        Task<InfillResult> running = infiller.InfillAsync(Request(0));
        model.WaitForPass();
        Task<InfillResult> queued = infiller.InfillAsync(Request(1), stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(() => queued);
        Assert.IsFalse(running.IsCompleted, "The forward pass still waits.");
        model.Open();
        await running;
        CollectionAssert.AreEqual(new[] { 1 }, model.BatchSizes.ToArray(), "Nothing was run for it.");
    }

    [TestMethod]
    [Timeout(Timeout)]
    public async Task InfillAsync_CancelledAlone_StopsTheForwardPass()
    {
        await using TextInfiller infiller = Open(out GatedModel model);
        using var stop = new CancellationTokenSource();
        Task<InfillResult> running = infiller.InfillAsync(Request(0), stop.Token);
        model.WaitForPass();
        await stop.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(() => running);
        Task<InfillResult> next = infiller.InfillAsync(Request(1));
        model.WaitForPass(); // of the next request: the first pass was given up without a permit
        model.Open();
        Assert.AreEqual(Alone(1), (await next).Text);
    }

    [TestMethod]
    [Timeout(Timeout)]
    public async Task InfillAsync_OneOfTwoCancelled_LeavesTheOtherAlone()
    {
        await using TextInfiller infiller = Open(out GatedModel model);
        using var stop = new CancellationTokenSource();
        Task<InfillResult> first = infiller.InfillAsync(Request(0));
        model.WaitForPass();
        Task<InfillResult> kept = infiller.InfillAsync(Request(1, tokens: 6)), cancelled = infiller.InfillAsync(Request(2, tokens: 6), stop.Token);
        model.Permit();
        model.WaitForPass();
        await stop.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(() => cancelled);
        model.Open();
        Assert.AreEqual(Alone(1, tokens: 6), (await kept).Text);
        CollectionAssert.AreEqual(new[] { 1, 2, 1, 1, 1, 1, 1 }, model.BatchSizes.ToArray(), "It left after the pass.");
        await first;
    }

    [TestMethod]
    [Timeout(Timeout)]
    public async Task InfillAsync_TimeIsUp_ThrowsTimeoutException()
    {
        await using TextInfiller infiller = Open(out GatedModel model);
        InfillRequest request = Request(0);
        request = request with { Options = request.Options with { Timeout = TimeSpan.FromMilliseconds(20) } };
        await Assert.ThrowsExactlyAsync<TimeoutException>(() => infiller.InfillAsync(request));
        Task<InfillResult> running = infiller.InfillAsync(Request(1));
        List<InfillOutcome> outcomes = await infiller.InfillBatchAsync(new[] { request }.ToAsyncEnumerable()).ToListAsync();
        Assert.IsInstanceOfType<TimeoutException>(outcomes.Single().Error, "In a batch it is an outcome.");
        model.Open();
        await running;
        foreach (TimeSpan bad in (TimeSpan[])[TimeSpan.Zero, TimeSpan.FromSeconds(-5), TimeSpan.FromDays(60)])
        {
            ArgumentOutOfRangeException error = await Assert.ThrowsExactlyAsync<ArgumentOutOfRangeException>(() => infiller.InfillAsync(request with { Options = new InfillOptions { Timeout = bad } }));
            Assert.AreEqual(nameof(InfillOptions.Timeout), error.ParamName);
        }
    }

    /// <summary>With a timeout and in batches too, where tokens are linked.</summary>
    [TestMethod]
    [Timeout(Timeout)]
    public async Task Cancellation_OfAnyKindOfRequest_CarriesTheCallersToken()
    {
        await using TextInfiller infiller = Open(out GatedModel model);
        using var stop = new CancellationTokenSource();
        InfillRequest request = Request(0);
        request = request with { Options = request.Options with { Timeout = TimeSpan.FromHours(1) } };
        Task[] tasks =
        [
            infiller.InfillAsync(request, stop.Token),
            infiller.InfillBatchAsync(new[] { request }.ToAsyncEnumerable(), stop.Token).ToListAsync().AsTask(),
            infiller.InfillStreamAsync(request, stop.Token).ToListAsync().AsTask(),
        ];
        model.WaitForPass();
        await stop.CancelAsync();
        foreach (Task task in tasks)
            Assert.AreEqual(stop.Token, (await Assert.ThrowsAsync<OperationCanceledException>(() => task)).CancellationToken);
    }

    /// <summary>The time that a caller waits for a place counts.</summary>
    [TestMethod]
    [Timeout(Timeout)]
    public async Task QueueTime_OfACallerThatWaitedForAPlace_CountsFromTheCall()
    {
        await using TextInfiller infiller = Open(out GatedModel model, new() { MaxQueuedRequests = 1 });
        Task<InfillResult> running = infiller.InfillAsync(Request(0));
        model.WaitForPass();
        Task<InfillResult> queued = infiller.InfillAsync(Request(1)), waiting = infiller.InfillAsync(Request(2));
        await Task.Delay(50);
        model.Open();
        await Task.WhenAll(running, queued);
        Assert.IsGreaterThan(TimeSpan.FromMilliseconds(45), (await waiting).QueueTime);
    }

    [TestMethod]
    [Timeout(Timeout)]
    public async Task InfillBatchAsync_NullCollectionInAnOption_IsAnErrorOfThatRequest()
    {
        await using TextInfiller infiller = Open(out GatedModel model);
        model.Open();
        InfillRequest bad = Request(1) with { Options = new InfillOptions { BannedTokens = null! } };
        List<InfillOutcome> outcomes = await infiller.InfillBatchAsync(new[] { Request(0), bad, Request(2) }.ToAsyncEnumerable()).ToListAsync();
        CollectionAssert.AreEqual(new[] { false, true, false }, outcomes.Select(outcome => outcome.Error is ArgumentNullException).ToArray());
    }

    [TestMethod]
    [Timeout(Timeout)]
    public async Task InfillAsync_FullQueue_RejectsOrWaits()
    {
        foreach (QueueFullMode mode in Enum.GetValues<QueueFullMode>())
        {
            await using TextInfiller infiller = Open(out GatedModel model, new() { MaxQueuedRequests = 2, QueueFullMode = mode });
            Task<InfillResult> running = infiller.InfillAsync(Request(0));
            model.WaitForPass();
            Task<InfillResult>[] queued = [infiller.InfillAsync(Request(1)), infiller.InfillAsync(Request(2))];
            Task<InfillResult> third = infiller.InfillAsync(Request(3));
            if (mode == QueueFullMode.Reject)
                await Assert.ThrowsExactlyAsync<QueueFullException>(() => third);
            else
                Assert.IsFalse(third.IsCompleted);
            Task<List<InfillOutcome>> batch = infiller.InfillBatchAsync(Enumerable.Range(4, 3).Select(i => Request(i)).ToAsyncEnumerable()).ToListAsync().AsTask();
            model.Open();
            await Task.WhenAll([running, .. queued]);
            Assert.IsTrue((await batch).All(outcome => outcome.Result is not null), "Batches wait.");
            if (mode == QueueFullMode.Wait)
                Assert.AreEqual(Alone(3), (await third).Text);
            Assert.AreEqual(Alone(7), (await infiller.InfillAsync(Request(7))).Text);
        }
    }

    [TestMethod]
    [Timeout(Timeout)]
    public async Task InfillAsync_CancelledWhileTheQueueIsFull_Ends()
    {
        await using TextInfiller infiller = Open(out GatedModel model, new() { MaxQueuedRequests = 1 });
        using var stop = new CancellationTokenSource();
        Task<InfillResult> running = infiller.InfillAsync(Request(0));
        model.WaitForPass();
        Task<InfillResult> queued = infiller.InfillAsync(Request(1)), waiting = infiller.InfillAsync(Request(2), stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(() => waiting);
        model.Open();
        await Task.WhenAll(running, queued);
    }

    /// <summary>A refused request gives its place in the queue back.</summary>
    [TestMethod]
    [Timeout(Timeout)]
    public async Task InfillAsync_InvalidTexts_KeepNoPlace()
    {
        await using TextInfiller infiller = Open(out GatedModel model, new() { MaxQueuedRequests = 2, QueueFullMode = QueueFullMode.Reject });
        for (int i = 0; i < 5; i++)
            await Assert.ThrowsExactlyAsync<InfillTextException>(() => infiller.InfillAsync("No gap."));
        model.Open();
        Assert.AreEqual(Alone(1), (await infiller.InfillAsync(Request(1))).Text);
    }

    [TestMethod]
    [Timeout(Timeout)]
    public async Task InfillAsync_ModelThatThrows_FailsThePassAndGoesOn()
    {
        await using TextInfiller infiller = Open(out GatedModel model);
        Task<InfillResult> first = infiller.InfillAsync(Request(0));
        model.WaitForPass();
        model.Error = new ModelRunException("Out of memory.");
        Task<InfillResult> second = infiller.InfillAsync(Request(1));
        model.Permit();
        await Assert.ThrowsExactlyAsync<ModelRunException>(() => first);
        model.Open();
        Assert.AreEqual(Alone(1), (await second).Text);
    }

    [TestMethod]
    [Timeout(Timeout)]
    public async Task Dispose_WithRequests_EndsThemAndReleasesTheModel()
    {
        TextInfiller infiller = Open(out GatedModel model, new() { MaxQueuedRequests = 1 });
        Task<InfillResult> running = infiller.InfillAsync(Request(0));
        model.WaitForPass();
        Task<InfillResult> queued = infiller.InfillAsync(Request(1)), waiting = infiller.InfillAsync(Request(2));
        await infiller.DisposeAsync();
        foreach (Task<InfillResult> task in (Task<InfillResult>[])[running, queued, waiting])
            await Assert.ThrowsExactlyAsync<ObjectDisposedException>(() => task);
        Assert.IsTrue(model.IsDisposed);
        await Assert.ThrowsExactlyAsync<ObjectDisposedException>(() => infiller.InfillAsync(Request(3)));
        Assert.ThrowsExactly<ObjectDisposedException>(() => infiller.Infill("A <mask>."));
        Assert.ThrowsExactly<ObjectDisposedException>(() => infiller.Score("A [[cat]]."));
        await infiller.DisposeAsync();
    }

    [TestMethod]
    [Timeout(Timeout)]
    public async Task Drain_WithRequests_FinishesThemAndAcceptsNoMore()
    {
        await using TextInfiller infiller = Open(out GatedModel model);
        Task<InfillResult>[] accepted = [.. Enumerable.Range(0, 20).Select(i => infiller.InfillAsync(Request(i)))];
        Task drained = infiller.DrainAsync();
        await Assert.ThrowsExactlyAsync<ObjectDisposedException>(() => infiller.InfillAsync(Request(30)));
        Assert.IsFalse(drained.IsCompleted);
        model.Open();
        await drained;
        Assert.IsTrue(accepted.All(task => task.IsCompletedSuccessfully || task.Wait(Timeout)));
    }

    [TestMethod]
    [Timeout(Timeout)]
    public async Task Drain_Cancelled_CancelsTheRest()
    {
        await using TextInfiller infiller = Open(out GatedModel model);
        using var stop = new CancellationTokenSource();
        Task<InfillResult>[] accepted = [.. Enumerable.Range(0, 20).Select(i => infiller.InfillAsync(Request(i)))];
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
        Parallel.For(0, 64, new ParallelOptions { MaxDegreeOfParallelism = 32 }, i => Assert.AreEqual(Alone(i), infiller.Infill(Request(i)).Text));
    }

    private static TextInfiller Open(out GatedModel model, TextInfillerOptions? options = null)
    {
        GatedModel? gated = null;
        var infiller = TextInfiller.Open(Files.Default, options ?? new(), network => gated = new GatedModel(network));
        model = gated!;
        return infiller;
    }

    private static InfillRequest Request(int number, int tokens = 1) => new($"Number {number} is <mask:{tokens}>.", new InfillOptions { Seed = number, Sampler = SamplerKind.Sequential });

    private static string Alone(int number, int tokens = 1) => s_alone.Infill(Request(number, tokens)).Text;
}
