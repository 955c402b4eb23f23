using AsArm.Assd.Randomness;
using AsArm.Inference.Infilling;
using AsArm.Inference.Tests.Support;

namespace AsArm.Inference.Tests.Scheduling;

/// <summary>Whoever else uses the model: each answer is the one that its request has alone, and nothing is left of it.</summary>
[TestClass]
[DoNotParallelize] // it measures memory
public sealed class CompanyTests
{
    private const int Requests = 1000;
    private const int Distinct = 100;
    private const int Callers = 48;

    [TestMethod]
    [Timeout(600_000)]
    public async Task InfillAsync_ManyMixedRequestsWithCancellations_EachGetsItsOwnAnswer()
    {
        await using TextInfiller infiller = TextInfiller.Open(Files.Default, new() { MaxQueuedRequests = 20 });
        string[] expected = [.. Enumerable.Range(0, Distinct).Select(i => infiller.Infill(Request(i)).Text)];
        double score = infiller.Score("The [[cat sat]] on the mat.").LogProbability;
        await RunAsync(infiller, 200, expected, score);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        int cancelled = await RunAsync(infiller, Requests, expected, score);
        Assert.IsGreaterThan(Requests / 20, cancelled);
        Assert.IsLessThan(1.1 * before, GC.GetTotalMemory(forceFullCollection: true), $"{before} bytes after warming up.");
    }

    /// <summary>Control: a request with another seed has another answer.</summary>
    [TestMethod]
    public void Infill_AnotherSeed_GivesAnotherAnswer()
    {
        using TextInfiller infiller = TextInfiller.Open(Files.Default);
        int equal = Enumerable.Range(0, Distinct).Count(i => infiller.Infill(Request(i)).Text == infiller.Infill(Request(i) with { Options = Request(i).Options with { Seed = -1 - i } }).Text);
        Assert.IsLessThan(Distinct / 4, equal);
    }

    /// <returns>Number of requests that were cancelled before their answer.</returns>
    private static async Task<int> RunAsync(TextInfiller infiller, int count, string[] expected, double score)
    {
        int next = -1, cancelled = 0;
        await Task.WhenAll(Enumerable.Range(0, Callers).Select(caller => Task.Run(async () =>
        {
            var random = new SplitMix64(caller);
            for (int i; (i = Interlocked.Increment(ref next)) < count;)
            {
                using var stop = new CancellationTokenSource();
                Task answer = (i % 10) switch
                {
                    8 => ScoreAsync(infiller, score, stop.Token),
                    9 => StreamAsync(infiller, i % Distinct, expected, stop.Token),
                    _ => InfillAsync(infiller, i % Distinct, expected, stop.Token),
                };
                if (i % 5 == 0)
                {
                    for (int turns = (int)(random.NextDouble() * 2000); turns > 0 && !answer.IsCompleted; turns--)
                        await Task.Yield();
                    await stop.CancelAsync();
                }

                try
                {
                    await answer;
                }
                catch (OperationCanceledException) when (stop.IsCancellationRequested)
                {
                    Interlocked.Increment(ref cancelled);
                }
            }
        })));
        return cancelled;
    }

    private static async Task InfillAsync(TextInfiller infiller, int number, string[] expected, CancellationToken cancellationToken) =>
        Assert.AreEqual(expected[number], (await infiller.InfillAsync(Request(number), cancellationToken)).Text);

    private static async Task ScoreAsync(TextInfiller infiller, double expected, CancellationToken cancellationToken) =>
        Assert.AreEqual(expected, (await infiller.ScoreAsync("The [[cat sat]] on the mat.", null, cancellationToken)).LogProbability, "Bit-identical, as kernels are row-invariant.");

    private static async Task StreamAsync(TextInfiller infiller, int number, string[] expected, CancellationToken cancellationToken)
    {
        InfillUpdate? last = null;
        await foreach (InfillUpdate update in infiller.InfillStreamAsync(Request(number), cancellationToken))
            last = update;
        Assert.AreEqual(expected[number], last!.Text);
    }

    /// <summary>Both draft modes, all samplers, and some texts in windows.</summary>
    private static InfillRequest Request(int number)
    {
        string text = number % 50 == 7
            ? string.Concat(Enumerable.Repeat($"He had {number} things in his <mask:2>, and some more words follow here. ", 36))
            : $"Number {number} was <mask:{1 + number % 6}> until the <mask:2> came.";
        return new InfillRequest(text, new InfillOptions
        {
            Seed = number,
            Window = number % 50 == 7,
            Sampler = (SamplerKind)(number % 4),
            DraftMode = number % 2 == 0 ? DraftMode.Latency : DraftMode.Throughput,
        });
    }
}
