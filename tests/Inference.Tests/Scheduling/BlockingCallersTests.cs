using AsArm.Inference.Infilling;
using AsArm.Inference.Tests.Support;

namespace AsArm.Inference.Tests.Scheduling;

/// <summary>Blocking callers on all threads of the pool, which gets no more of them: nothing that they wait for may need one.</summary>
[TestClass]
[DoNotParallelize] // the pool is that of the process
public sealed class BlockingCallersTests
{
    private static readonly int s_threads = Math.Max(4, Environment.ProcessorCount);

    [TestMethod]
    [DataRow(nameof(Infill))]
    [DataRow(nameof(Score))]
    [DataRow(nameof(Batch))]
    [DataRow(nameof(Windows))]
    [DataRow(nameof(BatchOfWindows))]
    public void Callers_OnTheWholePoolWithAFullQueue_AllGetTheirAnswers(string kind)
    {
        Action<TextInfiller, int> call = kind switch { nameof(Infill) => Infill, nameof(Score) => Score, nameof(Batch) => Batch, nameof(Windows) => Windows, _ => BatchOfWindows };
        _ = GatedTexts.Alone(0); // opened before the pool is full
        int calls = 2 * s_threads;
        using TextInfiller infiller = GatedTexts.Open(out GatedModel model, new() { MaxQueuedRequests = 1 });
        OnTheWholePool(calls, i => call(infiller, i), whenFull: model.Open);
    }

    [TestMethod]
    public void Callers_OnTheWholePool_TimeOut()
    {
        using TextInfiller infiller = GatedTexts.Open(out _, new() { MaxQueuedRequests = 1 });
        TimeSpan time = TimeSpan.FromMilliseconds(50);
        InfillRequest request = GatedTexts.Request(0) with { Options = new InfillOptions { Timeout = time } };
        OnTheWholePool(2 * s_threads, i =>
        {
            if (i % 2 == 0)
                Assert.ThrowsExactly<TimeoutException>(() => infiller.Infill(request));
            else
                Assert.IsTrue(infiller.InfillOutcomes([request, request, request]).All(outcome => outcome.Error is TimeoutException));
        });
    }

    /// <summary>A caller who does not come back for the next outcome holds no place in the queue, which others wait for.</summary>
    [TestMethod]
    [Timeout(120_000)]
    public async Task InfillOutcomes_CallerWhoPauses_HoldsUpNobody()
    {
        await using TextInfiller infiller = GatedTexts.Open(out GatedModel model, new() { MaxQueuedRequests = 1 });
        model.Open();
        using IEnumerator<InfillOutcome> outcomes = infiller.InfillOutcomes(Enumerable.Range(0, 40).Select(i => GatedTexts.Request(i))).GetEnumerator();
        Assert.IsTrue(outcomes.MoveNext());
        for (int i = 0; i < 5; i++)
            Assert.AreEqual(GatedTexts.Alone(i), (await infiller.InfillAsync(GatedTexts.Request(i))).Text);
        for (int i = 1; i < 40; i++)
            Assert.IsTrue(outcomes.MoveNext());
        Assert.AreEqual(GatedTexts.Alone(39), outcomes.Current.ResultOrThrow().Text);
    }

    private static void Infill(TextInfiller infiller, int number) => Assert.AreEqual(GatedTexts.Alone(number), infiller.Infill(GatedTexts.Request(number)).Text);

    private static void Score(TextInfiller infiller, int number) => Assert.IsLessThan(0, infiller.Score($"Number {number} [[was]] it.").LogProbability);

    private static void Batch(TextInfiller infiller, int number)
    {
        InfillRequest[] requests = [.. Enumerable.Range(number, 5).Select(i => GatedTexts.Request(i))];
        CollectionAssert.AreEqual(
            requests.Select(request => GatedTexts.Alone((int)request.Options.Seed!)).ToArray(), infiller.InfillBatch(requests).Select(result => result.Text).ToArray());
    }

    private static void Windows(TextInfiller infiller, int number) => Assert.HasCount(36, infiller.Infill(Long(number)).Gaps);

    private static void BatchOfWindows(TextInfiller infiller, int number) =>
        Assert.IsTrue(infiller.InfillMany([Long(number), Long(number + 1)]).All(result => result.Gaps.Count == 36));

    private static InfillRequest Long(int number) => new(
        string.Concat(Enumerable.Repeat($"He had {number} things in his <mask>, and some more words follow here. ", 36)), new InfillOptions { Seed = number, Window = true });

    /// <summary>Calls an action on as many threads of the pool as it may have, the rest after them.</summary>
    private static void OnTheWholePool(int calls, Action<int> call, Action? whenFull = null)
    {
        ThreadPool.GetMaxThreads(out int workers, out int ports);
        var errors = new List<Exception>();
        using var ended = new CountdownEvent(calls);
        using var begun = new CountdownEvent(s_threads - 1); // the test may have one of them
        Assert.IsTrue(ThreadPool.SetMaxThreads(s_threads, ports));
        bool all;
        try
        {
            for (int i = 0; i < calls; i++)
                ThreadPool.UnsafeQueueUserWorkItem(Call, i, preferLocal: false);
            Assert.IsTrue(begun.Wait(TimeSpan.FromMinutes(1)), "The pool is full.");
            Thread.Sleep(20); // until they wait; if they do not yet, the test proves less, and does not fail
            whenFull?.Invoke();
            all = ended.Wait(TimeSpan.FromMinutes(1));
        }
        finally
        {
            ThreadPool.SetMaxThreads(workers, ports);
            ended.Wait(TimeSpan.FromMinutes(1));
        }

        Assert.IsTrue(all, "All calls have ended.");
        Assert.IsEmpty(errors, string.Join('\n', errors));

        void Call(int number)
        {
            try
            {
                if (!begun.IsSet)
                    begun.Signal();
                call(number);
            }
            catch (Exception error)
            {
                lock (errors)
                    errors.Add(error);
            }

            ended.Signal();
        }
    }
}
