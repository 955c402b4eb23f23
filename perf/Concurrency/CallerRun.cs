using System.Diagnostics;
using AsArm.Inference.Infilling;

namespace AsArm.Perf.Concurrency;

/// <summary>The same requests by several concurrent callers, each of which asks again when it has got its answer.</summary>
/// <param name="Seconds">Time for all requests.</param>
/// <param name="Latencies">Time of each request from question to answer, in ms.</param>
/// <param name="Overtaken">Requests that began after one that was submitted later.</param>
internal sealed record CallerRun(double Seconds, IReadOnlyList<double> Latencies, int Overtaken)
{
    /// <summary>Times closer to each other than this are not told apart, in ms: a thread may be interrupted between taking the time and submitting its request.</summary>
    private const double Resolution = 20;

    public static CallerRun Of(ITextInfiller infiller, IReadOnlyList<InfillRequest> requests, int callers)
    {
        int next = -1;
        var observed = new (double Submitted, double Began, double Answered)[requests.Count];
        long start = Stopwatch.GetTimestamp();
        Task.WaitAll([.. Enumerable.Range(0, callers).Select(_ => Task.Run(CallAsync))]);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        return new(seconds, [.. observed.Select(one => one.Answered - one.Submitted)], CountOvertaken(observed));

        async Task CallAsync()
        {
            for (int i; (i = Interlocked.Increment(ref next)) < requests.Count;)
            {
                double submitted = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                InfillResult result = await infiller.InfillAsync(requests[i]);
                observed[i] = (submitted, submitted + result.QueueTime.TotalMilliseconds, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
        }
    }

    private static int CountOvertaken((double Submitted, double Began, double Answered)[] requests)
    {
        int count = 0;
        double firstOfLater = double.PositiveInfinity;
        foreach ((double _, double began, double _) in requests.OrderByDescending(one => one.Submitted))
        {
            count += began > firstOfLater + Resolution ? 1 : 0;
            firstOfLater = Math.Min(firstOfLater, began);
        }

        return count;
    }
}
