using System.Diagnostics;
using System.Globalization;
using AsArm.Benchmarks.Statistics;
using AsArm.Benchmarks.Texts;
using AsArm.Inference.Infilling;
using AsArm.Perf.Results;

namespace AsArm.Perf.Concurrency;

/// <summary>`perf -- concurrency`: concurrent callers of one model against one batch of the same requests, and one caller against the bare sampling loop.</summary>
internal static class ConcurrencyMeasurement
{
    private const int SeedsPerText = 6;
    private const int Rounds = 4;
    private static readonly TextKind[] s_kinds = [TextKind.OneGap, TextKind.ManyGaps];
    private static readonly (DraftMode Mode, int[] Callers)[] s_runs = [(DraftMode.Latency, [1, 4, 16, 64]), (DraftMode.Throughput, [1, 2, 4, 8, 16, 32, 64])];

    public static int Run(string[] arguments)
    {
        if (Arguments.Parse("concurrency", arguments, "--model", "--json") is not { } options)
            return 2;
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        using var infiller = TextInfiller.Open(options.GetValueOrDefault("--model") ?? Path.Combine(Exports.RepositoryRoot(), "models", "english-18m"));
        var machine = Machine.Current();
        Console.WriteLine($"{machine}.\n");
        var runs = new Dictionary<(DraftMode Mode, int Callers), List<(CallerRun Run, double Batch)>>();
        var alone = new List<(Rate, Rate)>();
        Warm(infiller);
        for (int round = 0; round < Rounds; round++)
        {
            InfillRequest[] throughput = Requests(round, DraftMode.Throughput), latency = Requests(round, DraftMode.Latency);
            foreach ((DraftMode mode, int[] numbers) in s_runs)
            {
                foreach (int callers in numbers)
                {
                    if (!runs.TryGetValue((mode, callers), out List<(CallerRun Run, double Batch)>? list))
                        runs[(mode, callers)] = list = [];
                    // Each beside a batch of its own, as the speed of the machine changes from minute to minute.
                    double batch = Seconds(() => infiller.InfillMany(throughput).Count());
                    list.Add((CallerRun.Of(infiller, mode == DraftMode.Latency ? latency : throughput, callers), batch));
                }
            }

            alone.AddRange(AloneAndBare(infiller, latency));
        }

        ConcurrencyRow[] rows = [.. runs.OrderBy(run => run.Key.Mode).ThenBy(run => run.Key.Callers).Select(run => RowOf(run.Key.Mode, run.Key.Callers, run.Value))];
        Report(infiller, machine, rows, Estimate.OfRatio(alone)!, options.GetValueOrDefault("--json"));
        return 0;
    }

    private static void Warm(TextInfiller infiller)
    {
        _ = infiller.InfillMany(Requests(-1, DraftMode.Throughput)).Count();
        _ = AloneAndBare(infiller, Requests(-1, DraftMode.Latency)[..8]);
    }

    /// <summary>Each request through the queue and without it, by turns.</summary>
    private static (Rate, Rate)[] AloneAndBare(TextInfiller infiller, InfillRequest[] requests) =>
    [
        .. requests.Select((request, i) =>
        {
            double queued = 0, bare = 0;
            void Queued() => queued = Seconds(() => infiller.InfillAsync(request).GetAwaiter().GetResult());
            void Bare() => bare = BareLoop.Seconds(infiller, request);
            foreach (Action run in i % 2 == 0 ? (Action[])[Queued, Bare] : [Bare, Queued])
                run();
            return (new Rate(1, queued), new Rate(1, bare));
        }),
    ];

    private static ConcurrencyRow RowOf(DraftMode mode, int callers, List<(CallerRun Run, double Batch)> runs)
    {
        double[] latencies = [.. runs.SelectMany(one => one.Run.Latencies).Order()];
        Estimate throughput = Estimate.OfRatio([.. runs.Select(one => (new Rate(1, one.Run.Seconds), new Rate(1, one.Batch)))])!;
        return new(mode.ToString(), callers, throughput, At(0.5), At(0.95), At(0.99), runs.Sum(one => one.Run.Overtaken));

        double At(double share) => latencies[(int)Math.Min(latencies.Length - 1, share * latencies.Length)];
    }

    private static void Report(TextInfiller infiller, Machine machine, ConcurrencyRow[] rows, Estimate alone, string? json)
    {
        Console.WriteLine("| draft mode | callers | throughput against one InfillMany | p50 ms | p95 ms | p99 ms | overtaken |");
        Console.WriteLine("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
        foreach (ConcurrencyRow row in rows)
            Console.WriteLine($"| {row.Mode} | {row.Callers} | {row.Throughput} | {row.Median:F0} | {row.Percentile95:F0} | {row.Percentile99:F0} | {row.Overtaken} |");
        Console.WriteLine();
        ConcurrencyRow sixteen = rows.First(row => row is { Mode: nameof(DraftMode.Throughput), Callers: 16 });
        Figure[] figures =
        [
            new("16 callers in throughput mode against one InfillMany", sixteen.Throughput.Value, sixteen.Throughput.ToString()),
            new("one caller in latency mode against the bare loop", alone.Value, alone.ToString()),
            new("requests overtaken", rows.Sum(row => row.Overtaken), rows.Sum(row => row.Overtaken).ToString(CultureInfo.InvariantCulture)),
        ];
        Figure.Print(figures);
        if (json is not null)
            ResultFile.Write(json, new ConcurrencyResults(machine, infiller.Folder.Name, Requests(0, DraftMode.Latency).Length, Rounds, rows, alone, figures));
    }

    private static InfillRequest[] Requests(int round, DraftMode mode) =>
    [
        .. from seed in Enumerable.Range(0, SeedsPerText)
           from kind in s_kinds
           from text in Enumerable.Range(0, BenchmarkTexts.Count)
           select new InfillRequest(BenchmarkTexts.Get(kind, text), new InfillOptions { Seed = 1000 * round + 100 * seed + text, DraftMode = mode }),
    ];

    private static double Seconds(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static double Seconds<T>(Func<T> function) => Seconds(() => { _ = function(); });
}
