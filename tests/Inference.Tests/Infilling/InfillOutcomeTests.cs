using System.Runtime.CompilerServices;
using System.Threading.Channels;
using AsArm.Assd.Models;
using AsArm.Assd.Tests.Support.Models;
using AsArm.Inference.Devices;
using AsArm.Inference.Infilling;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Tests.Support;
using AsArm.Inference.Text;

namespace AsArm.Inference.Tests.Infilling;

/// <summary>Outcomes: one for each request, in order; an error of one does not affect the others.</summary>
[TestClass]
public sealed class InfillOutcomeTests
{
    private static readonly TextInfiller s_infiller = TextInfiller.Open(Files.Default);
    private static readonly InfillTokenizer s_tokenizer = InfillTokenizer.Open(s_infiller.Folder.TokenizerPath!, s_infiller.Folder.Manifest);

    [ClassCleanup]
    public static void CloseModel() => s_infiller.Dispose();

    /// <summary>More requests than a batch; the invalid ones are first, last, and in a run longer than a batch.</summary>
    [TestMethod]
    public void InfillOutcomes_InvalidRequestsAmongValidOnes_GivesOneOutcomeEachInOrder()
    {
        InfillRequest[] requests = [.. Enumerable.Range(0, 80).Select(i => i % 9 == 0 || i is > 20 and < 50
            ? new InfillRequest($"No gap in {i}.", new())
            : Valid(i))];
        InfillOutcome[] outcomes = [.. s_infiller.InfillOutcomes(requests)];
        Assert.HasCount(requests.Length, outcomes);
        for (int i = 0; i < requests.Length; i++)
        {
            Assert.AreSame(requests[i], outcomes[i].Request);
            if (requests[i].Text.StartsWith("No gap", StringComparison.Ordinal))
            {
                Assert.IsNull(outcomes[i].Result);
                Assert.IsInstanceOfType<InfillTextException>(outcomes[i].Error);
                Assert.ThrowsExactly<InfillTextException>(() => outcomes[i].ResultOrThrow());
            }
            else
            {
                Assert.IsNull(outcomes[i].Error);
                Assert.StartsWith($"Number {i}", outcomes[i].ResultOrThrow().Text);
            }
        }
    }

    [TestMethod]
    public void InfillOutcomes_InvalidOption_IsAnErrorOfThatRequest()
    {
        InfillRequest bad = Valid(1) with { Options = new InfillOptions { TopP = 2 } };
        InfillOutcome[] outcomes = [.. s_infiller.InfillOutcomes([Valid(0), bad, Valid(2)])];
        Assert.IsInstanceOfType<ArgumentOutOfRangeException>(outcomes[1].Error);
        Assert.IsNotNull(outcomes[0].Result);
        Assert.IsNotNull(outcomes[2].Result);
    }

    [TestMethod]
    public void InfillOutcomes_SourceThatThrows_DeliversEarlierOutcomesFirst()
    {
        var delivered = new List<InfillOutcome>();
        Assert.ThrowsExactly<TimeoutException>(() =>
        {
            foreach (InfillOutcome outcome in s_infiller.InfillOutcomes(ThrowingAfter(5)))
                delivered.Add(outcome);
        });
        CollectionAssert.AreEqual(Enumerable.Range(0, 5).Select(i => Valid(i).Text).ToArray(), delivered.Select(outcome => outcome.Request.Text).ToArray());
        Assert.IsTrue(delivered.All(outcome => outcome.Result is not null));
    }

    [TestMethod]
    public void InfillMany_SourceThatThrows_DeliversEarlierResultsFirst()
    {
        var delivered = new List<InfillResult>();
        Assert.ThrowsExactly<TimeoutException>(() =>
        {
            foreach (InfillResult result in s_infiller.InfillMany(ThrowingAfter(5)))
                delivered.Add(result);
        });
        Assert.HasCount(5, delivered);
    }

    [TestMethod]
    public void InfillMany_InvalidRequest_DeliversEarlierResultsAndTakesNoMore()
    {
        var delivered = new List<InfillResult>();
        int taken = 0;
        IEnumerable<InfillRequest> Requests()
        {
            for (int i = 0; i < 40; i++, taken++)
                yield return i == 5 ? new InfillRequest("No gap.", new()) : Valid(i);
        }

        Assert.ThrowsExactly<InfillTextException>(() =>
        {
            foreach (InfillResult result in s_infiller.InfillMany(Requests()))
                delivered.Add(result);
        });
        CollectionAssert.AreEqual(new long[] { 0, 1, 2, 3, 4 }, delivered.Select(result => result.Seed).ToArray());
        Assert.AreEqual(5, taken, "None after the invalid one.");
    }

    [TestMethod]
    public void InfillOutcomes_FolderWithoutTokenizer_ThrowsBeforeEnumeration()
    {
        using TextInfiller infiller = TextInfiller.Open(Files.Tiny);
        Assert.ThrowsExactly<ModelFolderException>(() => infiller.InfillOutcomes([Valid(0)]));
        Assert.ThrowsExactly<ModelFolderException>(() => infiller.InfillMany([Valid(0)]));
    }

    /// <summary>The logits of one of three texts, which has a longer gap, are NaN, in the first forward pass or later.</summary>
    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    public void InfillOutcomes_NaNForOneText_FailsThatOneOnly(int fromPass)
    {
        using TextInfiller infiller = TextInfiller.Open(Files.Default, new(), model => new PoisonedModel(model, state => state.Order.TargetCount == 7, fromPass));
        InfillRequest[] requests = [.. Enumerable.Range(0, 3).Select(i => Valid(i, tokens: i == 1 ? 7 : 6))];
        InfillOutcome[] outcomes = [.. infiller.InfillOutcomes(requests)];
        Assert.IsInstanceOfType<ModelOutputException>(outcomes[1].Error);
        foreach (int i in (int[])[0, 2])
            Assert.AreEqual(s_infiller.InfillBatch([requests[i], requests[i]])[0].Text, outcomes[i].ResultOrThrow().Text);
    }

    [TestMethod]
    public async Task InfillBatchAsync_NaNForOneText_FailsThatOneOnly()
    {
        using TextInfiller infiller = TextInfiller.Open(Files.Default, new(), model => new PoisonedModel(model, state => state.Order.TargetCount == 7, 1));
        List<InfillOutcome> outcomes = await infiller.InfillBatchAsync(Enumerable.Range(0, 3).Select(i => Valid(i, tokens: i == 1 ? 7 : 6)).ToAsyncEnumerable()).ToListAsync();
        CollectionAssert.AreEqual(new[] { false, true, false }, outcomes.Select(outcome => outcome.Error is not null).ToArray());
    }

    /// <summary>Each outcome is delivered while the source waits, without waiting for a full batch or for the end.</summary>
    [TestMethod]
    [Timeout(120_000)]
    public async Task InfillBatchAsync_RequestsOneByOne_DeliversEachAtOnce()
    {
        Channel<InfillRequest> requests = Channel.CreateUnbounded<InfillRequest>();
        await using IAsyncEnumerator<InfillOutcome> outcomes = s_infiller.InfillBatchAsync(requests.Reader.ReadAllAsync()).GetAsyncEnumerator();
        for (int i = 0; i < 3; i++)
        {
            requests.Writer.TryWrite(i == 1 ? new InfillRequest("No gap.", new()) : Valid(i));
            Assert.IsTrue(await outcomes.MoveNextAsync());
            Assert.AreEqual(i == 1, outcomes.Current.Error is not null);
        }

        requests.Writer.Complete();
        Assert.IsFalse(await outcomes.MoveNextAsync());
    }

    [TestMethod]
    public async Task InfillBatchAsync_ManyRequests_GivesTheTextsOfInfillMany()
    {
        InfillRequest[] requests = [.. Enumerable.Range(0, 40).Select(i => Valid(i, tokens: 1 + i % 5))];
        List<InfillOutcome> outcomes = await s_infiller.InfillBatchAsync(requests.ToAsyncEnumerable()).ToListAsync();
        CollectionAssert.AreEqual(
            s_infiller.InfillMany(requests).Select(result => result.Text).ToArray(), outcomes.Select(outcome => outcome.ResultOrThrow().Text).ToArray());
    }

    [TestMethod]
    public async Task InfillBatchAsync_SourceThatThrows_DeliversEarlierOutcomesFirst()
    {
        int delivered = 0;
        await Assert.ThrowsExactlyAsync<TimeoutException>(async () =>
        {
            await foreach (InfillOutcome _ in s_infiller.InfillBatchAsync(ThrowingAfter(5).ToAsyncEnumerable()))
                delivered++;
        });
        Assert.AreEqual(5, delivered);
    }

    /// <summary>Also if the source ignores the token; it is then disposed when its pending item arrives.</summary>
    [TestMethod]
    [Timeout(120_000)]
    [DataRow(true)]
    [DataRow(false)]
    public async Task InfillBatchAsync_CancelledWhileWaiting_Throws(bool observesToken)
    {
        using var stop = new CancellationTokenSource();
        var next = new TaskCompletionSource();
        var disposed = new TaskCompletionSource();
        async IAsyncEnumerable<InfillRequest> Requests([EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            try
            {
                yield return Valid(0);
                await (observesToken ? next.Task.WaitAsync(cancellationToken) : next.Task);
                yield return Valid(1);
            }
            finally
            {
                disposed.SetResult();
            }
        }

        IAsyncEnumerator<InfillOutcome> outcomes = s_infiller.InfillBatchAsync(Requests(), stop.Token).GetAsyncEnumerator();
        Assert.IsTrue(await outcomes.MoveNextAsync());
        Task<bool> waiting = outcomes.MoveNextAsync().AsTask();
        Assert.IsFalse(waiting.IsCompleted);
        await stop.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(() => waiting);
        await outcomes.DisposeAsync();
        next.TrySetResult();
        await disposed.Task;
        Assert.IsNotEmpty(s_infiller.Infill(Valid(2).Text).Text, "The model can be used again.");
    }

    [TestMethod]
    public void Prepare_SameTextAgain_TokenisesOnce()
    {
        int encoded = 0;
        RequestPreparer preparer = CreatePreparer(() => encoded++);
        foreach (string text in (string[])["A <mask>.", "A <mask>.", "No gap.", "No gap.", "A <mask>."])
            preparer.Prepare(new InfillRequest(text, new()));
        Assert.AreEqual(3, encoded);
    }

    private static RequestPreparer CreatePreparer(Action? onEncode = null) => new(
        request =>
        {
            onEncode?.Invoke();
            InfillPrompt prompt = InfillPrompt.Parse(request.Text);
            InfillText.RequireTargets(prompt.Segments, spans: false, null);
            return new RequestText(prompt.Segments, new SegmentEncoder(s_tokenizer, s_infiller.Folder.Manifest, request.Options.GapSpacing), request.Options.Conditions, request.Options.Window, null);
        },
        new InfillSetting(s_infiller.Folder.Manifest, Device.Cpu, s_infiller.Folder.Manifest.SpecialIds, null),
        mode: DraftMode.Throughput);

    private static InfillRequest Valid(int number, int tokens = 2) => new($"Number {number} <mask:{tokens}>.", new InfillOptions { Seed = number, Sampler = SamplerKind.Sequential });

    private static IEnumerable<InfillRequest> ThrowingAfter(int count)
    {
        for (int i = 0; i < count; i++)
            yield return Valid(i);
        throw new TimeoutException("The source has ended.");
    }
}
