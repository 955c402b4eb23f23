using System.Collections;
using AsArm.Inference.Infilling;
using AsArm.Inference.Tests.Scheduling;
using AsArm.Inference.Tests.Support;
using AsArm.Inference.Text;

namespace AsArm.Inference.Tests.Infilling;

/// <summary>A request is what it was when it was submitted, and what the caller's collections and sources do is seen where it belongs.</summary>
[TestClass]
public sealed class SubmissionTests
{
    private const int Timeout = 120_000;

    /// <summary>The requests wait for a place in the queue while the prompts and lists change.</summary>
    [TestMethod]
    [Timeout(Timeout)]
    public async Task Requests_ChangedAfterTheCall_AreWhatTheyWere()
    {
        await using TextInfiller infiller = GatedTexts.Open(out GatedModel model, new() { MaxQueuedRequests = 1 });
        ScorePrompt score = new ScorePrompt().AddText("The ").AddSpan("cat").AddText(" sat.");
        InfillPrompt gap = new InfillPrompt().AddText("The ").AddGap().AddText(" sat.");
        List<int> banned = [];
        var options = new InfillOptions { Seed = 1, Sampler = SamplerKind.Sequential, Temperature = 0, BannedTokens = banned };
        var candidates = new CandidateOptions { BannedTokens = banned };
        Task first = infiller.InfillAsync(GatedTexts.Request(0));
        model.WaitForPass();
        Task second = infiller.InfillAsync(GatedTexts.Request(1));
        Task<ScoreResult> scored = infiller.ScoreAsync(score);
        Task<IReadOnlyList<IReadOnlyList<TokenCandidate>>> proposed = infiller.CandidatesAsync(gap, candidates);
        Task<InfillResult> filled = infiller.InfillAsync(gap, options);
        IAsyncEnumerable<InfillUpdate> stream = infiller.InfillStreamAsync(gap, options);
        score.AddText(" And more.").AddSpan(" More");
        gap.AddText(" And more.").AddGap(2);
        banned.AddRange(Enumerable.Range(0, infiller.Model.VocabularySize));
        model.Open();
        await Task.WhenAll(first, second);
        Assert.AreEqual(infiller.Score("The [[cat]] sat.").LogProbability, (await scored).LogProbability, 1e-9);
        Assert.HasCount(1, await proposed);
        string expected = infiller.Infill("The <mask> sat.", options with { BannedTokens = [] }).Text;
        Assert.AreEqual(expected, (await filled).Text);
        Assert.AreEqual(expected, (await stream.ToListAsync())[^1].Text);
    }

    [TestMethod]
    [Timeout(Timeout)]
    public async Task BannedTokens_EnumeratorThatThrows_IsTheErrorOfThatRequest()
    {
        await using TextInfiller infiller = GatedTexts.Open(out GatedModel model);
        model.Open();
        InfillRequest bad = GatedTexts.Request(1) with { Options = new InfillOptions { BannedTokens = new Throwing() } };
        InfillRequest[] requests = [GatedTexts.Request(0), bad, GatedTexts.Request(2)];
        foreach (List<InfillOutcome> outcomes in (List<InfillOutcome>[])[[.. infiller.InfillOutcomes(requests)], await infiller.InfillBatchAsync(requests.ToAsyncEnumerable()).ToListAsync()])
            CollectionAssert.AreEqual(new[] { false, true, false }, outcomes.Select(outcome => outcome.Error is InvalidDataException).ToArray());
        Task<InfillResult> alone = infiller.InfillAsync(bad);
        await Assert.ThrowsExactlyAsync<InvalidDataException>(() => alone);
        await Assert.ThrowsExactlyAsync<InvalidDataException>(async () => await infiller.InfillStreamAsync(bad).ToListAsync());
        Task candidates = infiller.CandidatesAsync("A <mask>.", new CandidateOptions { BannedTokens = new Throwing() });
        await Assert.ThrowsExactlyAsync<InvalidDataException>(() => candidates);
    }

    [TestMethod]
    public async Task NullRequests_AreRefusedAtOnce()
    {
        await using TextInfiller infiller = GatedTexts.Open(out _);
        Assert.ThrowsExactly<ArgumentNullException>(() => { infiller.InfillStreamAsync((InfillRequest)null!); });
        Assert.ThrowsExactly<ArgumentNullException>(() => { infiller.InfillStreamAsync(new InfillRequest("A <mask>.", null!)); });
        Assert.ThrowsExactly<ArgumentNullException>(() => { infiller.InfillStreamAsync((InfillPrompt)null!); });
        Assert.ThrowsExactly<ArgumentNullException>(() => { infiller.InfillStreamAsync((string)null!); });
        Assert.ThrowsExactly<ArgumentNullException>(() => { infiller.InfillAsync((InfillRequest)null!); });
        Assert.ThrowsExactly<ArgumentNullException>(() => { infiller.InfillBatchAsync(null!); });
        Assert.ThrowsExactly<ArgumentNullException>(() => { infiller.InfillMany(null!); });
        Assert.ThrowsExactly<ArgumentNullException>(() => { infiller.InfillOutcomes(null!); });
        Assert.ThrowsExactly<ArgumentNullException>(() => { infiller.ScoreAsync((ScorePrompt)null!); });
        Assert.ThrowsExactly<ArgumentNullException>(() => { infiller.CandidatesAsync((InfillPrompt)null!); });
    }

    /// <summary>One result of a call, read by several at the same time: each request is refused with an error that quotes its own text.</summary>
    [TestMethod]
    [Timeout(Timeout)]
    public async Task Batches_ReadByTwoAtOnce_MixNothingUp()
    {
        await using TextInfiller infiller = GatedTexts.Open(out _);
        InfillRequest[] requests = [.. Enumerable.Range(0, 20_000).Select(i => new InfillRequest($"A <mask:{1_000_000_000_000 + i}>.", new()))];
        IEnumerable<InfillOutcome> outcomes = infiller.InfillOutcomes(requests);
        IAsyncEnumerable<InfillOutcome> later = infiller.InfillBatchAsync(requests.ToAsyncEnumerable());
        List<InfillOutcome>[] read = await Task.WhenAll(Task.Run(outcomes.ToList), Task.Run(outcomes.ToList));
        List<InfillOutcome>[] readLater = await Task.WhenAll(Task.Run(async () => await later.ToListAsync()), Task.Run(async () => await later.ToListAsync()));
        foreach (List<InfillOutcome> one in (List<InfillOutcome>[])[.. read, .. readLater])
        {
            Assert.HasCount(requests.Length, one);
            foreach (InfillOutcome outcome in one)
                Assert.Contains(outcome.Request.Text["A <mask:".Length..^">.".Length], outcome.Error!.Message);
        }
    }

    /// <summary>The source goes on only when the first outcome has been delivered.</summary>
    [TestMethod]
    [Timeout(Timeout)]
    public async Task InfillBatchAsync_SourceThatBlocks_WithholdsNoOutcome()
    {
        await using TextInfiller infiller = GatedTexts.Open(out GatedModel model);
        model.Open();
        using var delivered = new SemaphoreSlim(0);
        bool seen = false;
#pragma warning disable CS1998 // It blocks instead.
        async IAsyncEnumerable<InfillRequest> Requests()
#pragma warning restore CS1998
        {
            yield return GatedTexts.Request(0);
            seen = delivered.Wait(TimeSpan.FromSeconds(20));
            yield return GatedTexts.Request(1);
        }

        int count = 0;
        await foreach (InfillOutcome outcome in infiller.InfillBatchAsync(Requests()))
        {
            Assert.AreEqual(GatedTexts.Alone(count++), outcome.ResultOrThrow().Text);
            delivered.Release();
        }

        Assert.AreEqual(2, count);
        Assert.IsTrue(seen, "The first outcome came while the source was blocked.");
    }

    /// <summary>An outcome that is there is returned before the next request is taken.</summary>
    [TestMethod]
    public void InfillOutcomes_OutcomeThatIsAvailable_ComesBeforeTheNextRequest()
    {
        using TextInfiller infiller = GatedTexts.Open(out _);
        int taken = 0;
        using IEnumerator<InfillOutcome> outcomes = infiller.InfillOutcomes(Enumerable.Range(0, 3).Select(_ => new InfillRequest("No gap.", new())).TakeWhile(_ => ++taken > 0)).GetEnumerator();
        for (int i = 1; i <= 3; i++)
        {
            Assert.IsTrue(outcomes.MoveNext());
            Assert.AreEqual(i, taken);
        }
    }

    [TestMethod]
    [Timeout(Timeout)]
    public async Task BlockingCalls_Cancelled_CarryTheCallersToken()
    {
        await using TextInfiller infiller = GatedTexts.Open(out GatedModel model);
        using var stop = new CancellationTokenSource();
        InfillRequest request = GatedTexts.Request(0) with { Options = new InfillOptions { Timeout = TimeSpan.FromHours(1) } };
        Action[] calls =
        [
            () => infiller.Infill(request, stop.Token),
            () => infiller.InfillBatch([request, request], stop.Token),
            () => _ = infiller.InfillMany([request, request], stop.Token).Count(),
            () => _ = infiller.InfillOutcomes([request, request], stop.Token).Count(),
            () => infiller.Score("The [[cat]] sat.", stop.Token),
        ];
        Task[] running = [.. calls.Select(call => Task.Factory.StartNew(call, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
        model.WaitForPass();
        await stop.CancelAsync();
        await CheckAsync(running);
        await CheckAsync([.. calls.Select(call => Task.Factory.StartNew(call, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))]); // cancelled before

        async Task CheckAsync(Task[] tasks)
        {
            foreach (Task task in tasks)
                Assert.AreEqual(stop.Token, (await Assert.ThrowsAsync<OperationCanceledException>(() => task)).CancellationToken);
        }
    }

    [TestMethod]
    public async Task Open_ThreadsOutOfRange_AreRefused()
    {
        foreach (int threads in (int[])[0, -1, TextInfillerOptions.MaxThreads + 1, int.MaxValue])
            Assert.AreEqual(nameof(TextInfillerOptions.Threads), Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => TextInfiller.Open(Files.Default, new() { Threads = threads })).ParamName);
        await Assert.ThrowsAsync<ArgumentException>(() => TextInfiller.OpenAsync(""));
        await Assert.ThrowsAsync<ArgumentException>(() => TextInfiller.OpenAsync(null!));
    }

    private sealed class Throwing : IReadOnlyCollection<int>
    {
        public int Count => 1;

        public IEnumerator<int> GetEnumerator() => throw new InvalidDataException();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
