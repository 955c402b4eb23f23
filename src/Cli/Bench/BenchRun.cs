using System.Diagnostics;
using AsArm.Inference.Infilling;

namespace AsArm.Cli.Bench;

/// <summary>Fills the same texts with every sampler by turns, so that what else the machine does hits all of them alike.</summary>
internal sealed class BenchRun(TextInfiller infiller, double temperature, int batch, int repeats)
{
    private readonly Dictionary<(BenchKind Kind, SamplerKind Sampler), BenchTally> _tallies = [];

    public double Temperature => temperature;

    public int Batch => batch;

    public BenchTally this[BenchKind kind, SamplerKind sampler] => _tallies[(kind, sampler)];

    public void Run(CancellationToken cancellationToken)
    {
        SamplerKind[] samplers = Enum.GetValues<SamplerKind>();
        foreach (BenchKind kind in Enum.GetValues<BenchKind>())
        {
            foreach (SamplerKind sampler in samplers)
                _tallies[(kind, sampler)] = new BenchTally();
        }

        foreach (SamplerKind sampler in samplers)
            Fill(BenchKind.OneGap, sampler, 0, repeat: -1, cancellationToken); // only warms up
        for (int repeat = 0; repeat < repeats; repeat++)
        {
            foreach (BenchKind kind in Enum.GetValues<BenchKind>())
            {
                for (int start = 0; start < BenchTexts.Count; start += batch)
                {
                    for (int turn = 0; turn < samplers.Length; turn++)
                        Fill(kind, samplers[(turn + start + repeat) % samplers.Length], start, repeat, cancellationToken);
                }
            }
        }
    }

    private void Fill(BenchKind kind, SamplerKind sampler, int start, int repeat, CancellationToken cancellationToken)
    {
        InfillRequest[] requests = [.. Enumerable.Range(start, batch).Select(i => new InfillRequest(
            BenchTexts.Get(kind, i), new InfillOptions { Sampler = sampler, Temperature = temperature, Seed = 1000 * repeat + i }))];
        long begin = Stopwatch.GetTimestamp();
        IReadOnlyList<InfillResult> results = infiller.InfillBatch(requests, cancellationToken);
        TimeSpan elapsed = Stopwatch.GetElapsedTime(begin);
        if (repeat >= 0)
            _tallies[(kind, sampler)].Add(start, results, elapsed);
    }
}
