using System.Diagnostics;
using AsArm.Inference;

namespace AsArm.Cli;

/// <summary>Fills the same texts with every sampler by turns, so that what else the machine does hits all of them alike.</summary>
internal sealed class BenchRun(TextInfiller infiller, double temperature, int batch, int repeats)
{
    private readonly Dictionary<(BenchKind Kind, SamplerKind Sampler), BenchTally> _tallies = [];

    public double Temperature => temperature;

    public int Batch => batch;

    public BenchTally this[BenchKind kind, SamplerKind sampler] => _tallies[(kind, sampler)];

    public void Run(CancellationToken cancellation)
    {
        SamplerKind[] samplers = Enum.GetValues<SamplerKind>();
        foreach (BenchKind kind in Enum.GetValues<BenchKind>())
        {
            foreach (SamplerKind sampler in samplers)
                _tallies[(kind, sampler)] = new BenchTally();
        }

        for (int repeat = -1; repeat < repeats; repeat++) // the first only warms up
        {
            foreach (BenchKind kind in Enum.GetValues<BenchKind>())
            {
                for (int start = 0; start < BenchTexts.Count; start += batch)
                {
                    for (int turn = 0; turn < samplers.Length; turn++)
                        Fill(kind, samplers[(turn + start + repeat + samplers.Length) % samplers.Length], start, repeat, cancellation);
                }
            }
        }
    }

    private void Fill(BenchKind kind, SamplerKind sampler, int start, int repeat, CancellationToken cancellation)
    {
        InfillRequest[] requests = [.. Enumerable.Range(start, batch).Select(i => new InfillRequest(
            BenchTexts.Get(kind, i), new InfillOptions { Sampler = sampler, Temperature = temperature, Seed = 1000 * repeat + i }))];
        long begin = Stopwatch.GetTimestamp();
        IReadOnlyList<InfillResult> results = infiller.InfillBatch(requests, cancellation);
        if (repeat >= 0)
            _tallies[(kind, sampler)].Add([.. results.Select(result => result.Statistics)], Stopwatch.GetElapsedTime(begin));
    }
}
