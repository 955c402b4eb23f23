using AsArm.Inference.Infilling;
using AsArm.Inference.Tests.Support;

namespace AsArm.Inference.Tests.Scheduling;

/// <summary>Requests that are cancelled or whose time is up, in the queue and in the batch; the forward passes wait for the test.</summary>
[TestClass]
public sealed class CancellationTests
{
    private const int Timeout = 120_000;

    [TestMethod]
    [Timeout(Timeout)]
    public async Task InfillAsync_CancelledWhileQueued_EndsAtOnce()
    {
        await using TextInfiller infiller = GatedTexts.Open(out GatedModel model);
        using var stop = new CancellationTokenSource();
        Task<InfillResult> running = infiller.InfillAsync(GatedTexts.Request(0));
        model.WaitForPass();
        Task<InfillResult> queued = infiller.InfillAsync(GatedTexts.Request(1), stop.Token);
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
        await using TextInfiller infiller = GatedTexts.Open(out GatedModel model);
        using var stop = new CancellationTokenSource();
        Task<InfillResult> running = infiller.InfillAsync(GatedTexts.Request(0), stop.Token);
        model.WaitForPass();
        await stop.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(() => running);
        Task<InfillResult> next = infiller.InfillAsync(GatedTexts.Request(1));
        model.WaitForPass(); // of the next request: the first pass was given up without a permit
        model.Open();
        Assert.AreEqual(GatedTexts.Alone(1), (await next).Text);
    }

    [TestMethod]
    [Timeout(Timeout)]
    public async Task InfillAsync_OneOfTwoCancelled_LeavesTheOtherAlone()
    {
        await using TextInfiller infiller = GatedTexts.Open(out GatedModel model);
        using var stop = new CancellationTokenSource();
        Task<InfillResult> first = infiller.InfillAsync(GatedTexts.Request(0));
        model.WaitForPass();
        Task<InfillResult> kept = infiller.InfillAsync(GatedTexts.Request(1, tokens: 6)), cancelled = infiller.InfillAsync(GatedTexts.Request(2, tokens: 6), stop.Token);
        model.Permit();
        model.WaitForPass();
        await stop.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(() => cancelled);
        model.Open();
        Assert.AreEqual(GatedTexts.Alone(1, tokens: 6), (await kept).Text);
        CollectionAssert.AreEqual(new[] { 1, 2, 1, 1, 1, 1, 1 }, model.BatchSizes.ToArray(), "It left after the pass.");
        await first;
    }

    [TestMethod]
    [Timeout(Timeout)]
    public async Task InfillAsync_TimeIsUp_ThrowsTimeoutException()
    {
        await using TextInfiller infiller = GatedTexts.Open(out GatedModel model);
        InfillRequest request = GatedTexts.Request(0);
        request = request with { Options = request.Options with { Timeout = TimeSpan.FromMilliseconds(20) } };
        await Assert.ThrowsExactlyAsync<TimeoutException>(() => infiller.InfillAsync(request));
        Task<InfillResult> running = infiller.InfillAsync(GatedTexts.Request(1));
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

    [TestMethod]
    [Timeout(Timeout)]
    public async Task ScoreAndCandidates_TimeIsUp_ThrowTimeoutException()
    {
        await using TextInfiller infiller = GatedTexts.Open(out _);
        TimeSpan time = TimeSpan.FromMilliseconds(20);
        await Assert.ThrowsExactlyAsync<TimeoutException>(() => infiller.ScoreAsync("The [[cat]] sat.", new ScoreOptions { Timeout = time }));
        await Assert.ThrowsExactlyAsync<TimeoutException>(() => infiller.CandidatesAsync("The <mask> sat.", new CandidateOptions { Timeout = time }));
    }

    /// <summary>With a timeout and in batches too, where tokens are linked.</summary>
    [TestMethod]
    [Timeout(Timeout)]
    public async Task Cancellation_OfAnyKindOfRequest_CarriesTheCallersToken()
    {
        await using TextInfiller infiller = GatedTexts.Open(out GatedModel model);
        using var stop = new CancellationTokenSource();
        InfillRequest request = GatedTexts.Request(0);
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
        await using TextInfiller infiller = GatedTexts.Open(out GatedModel model, new() { MaxQueuedRequests = 1 });
        Task<InfillResult> running = infiller.InfillAsync(GatedTexts.Request(0));
        model.WaitForPass();
        Task<InfillResult> queued = infiller.InfillAsync(GatedTexts.Request(1)), waiting = infiller.InfillAsync(GatedTexts.Request(2));
        await Task.Delay(50);
        model.Open();
        await Task.WhenAll(running, queued);
        Assert.IsGreaterThan(TimeSpan.FromMilliseconds(45), (await waiting).QueueTime);
    }

    [TestMethod]
    [Timeout(Timeout)]
    public async Task InfillAsync_CancelledWhileTheQueueIsFull_Ends()
    {
        await using TextInfiller infiller = GatedTexts.Open(out GatedModel model, new() { MaxQueuedRequests = 1 });
        using var stop = new CancellationTokenSource();
        Task<InfillResult> running = infiller.InfillAsync(GatedTexts.Request(0));
        model.WaitForPass();
        Task<InfillResult> queued = infiller.InfillAsync(GatedTexts.Request(1)), waiting = infiller.InfillAsync(GatedTexts.Request(2), stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(() => waiting);
        model.Open();
        await Task.WhenAll(running, queued);
    }
}
