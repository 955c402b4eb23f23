using System.Diagnostics;
using AsArm.Benchmarks.Statistics;

namespace AsArm.Perf.Load;

/// <summary>Some clients for some seconds.</summary>
/// <param name="Tally">What became of all requests.</param>
/// <param name="Latencies">Milliseconds of each answered request from its first byte to the last one of its answer.</param>
/// <param name="Requests">Requests and seconds.</param>
/// <param name="Tokens">Filled tokens and seconds.</param>
internal sealed record LoadSlot(LoadTally Tally, IReadOnlyList<double> Latencies, Rate Requests, Rate Tokens)
{
    private const double UncountedShare = 0.2; // until the clients are out of step with each other

    /// <summary>
    /// Runs it. A request counts for the throughput with the part of its time that lies within the last four fifths. The clients go on asking until all requests that began within
    /// the time are answered, so that these have company to the end; what is under way then is given up.
    /// </summary>
    /// <param name="setting">What is asked.</param>
    /// <param name="clients">Number of clients.</param>
    /// <param name="seconds">How long.</param>
    /// <param name="seed">Of the choices of the clients.</param>
    public static async Task<LoadSlot> RunAsync(LoadSetting setting, int clients, double seconds, int seed)
    {
        var tally = new LoadTally();
        var answers = new List<(int Number, double Begin, double End)>();
        using var over = new CancellationTokenSource();
        int underWay = clients; // clients that have not begun a request after the end of the time
        long start = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, clients).Select(i => Task.Run(() => RunClientAsync((1000 * seed) + i))));
        double begin = UncountedShare * seconds, time = seconds - begin;
        return new(
            tally,
            [.. answers.Where(answer => answer.Begin < seconds).Select(answer => 1000 * (answer.End - answer.Begin))],
            new Rate(answers.Sum(ShareOf), time),
            new Rate(answers.Sum(answer => setting.Expected.Tokens(answer.Number) * ShareOf(answer)), time));

        double ShareOf((int Number, double Begin, double End) answer) =>
            Math.Max(0, Math.Min(answer.End, seconds) - Math.Max(answer.Begin, begin)) / (answer.End - answer.Begin);

        double Now() => Stopwatch.GetElapsedTime(start).TotalSeconds;

        async Task RunClientAsync(int clientSeed)
        {
            using var client = new LoadClient(setting, clientSeed);
            for (bool isInTime = true; !over.IsCancellationRequested && !setting.Server.HasExited;)
            {
                double asked = Now();
                if (isInTime && asked >= seconds)
                {
                    isInTime = false;
                    if (Interlocked.Decrement(ref underWay) == 0)
                        await over.CancelAsync();
                }

                if (await client.AskAsync(tally, over.Token) is not int number)
                    continue;
                lock (answers)
                    answers.Add((number, asked, Now()));
            }
        }
    }
}
