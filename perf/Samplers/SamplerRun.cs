using AsArm.Cli.Bench;
using AsArm.Inference.Infilling;

namespace AsArm.Perf.Samplers;

/// <summary>All samplers on all texts by turns, so that what else the machine does hits all of them alike.</summary>
internal sealed class SamplerRun(SampledTexts texts, SamplerVariant[] variants, double temperature, int batch, int seeds)
{
    private readonly Dictionary<(BenchKind Kind, SamplerVariant Variant), SamplerTally> _tallies = [];

    public double Temperature => temperature;

    public int Batch => batch;

    public SamplerTally this[BenchKind kind, SamplerVariant variant] => _tallies[(kind, variant)];

    public SamplerTally this[BenchKind kind, SamplerKind sampler] => this[kind, new SamplerVariant(sampler)];

    public void Run()
    {
        foreach (BenchKind kind in Enum.GetValues<BenchKind>())
        {
            foreach (SamplerVariant variant in variants)
            {
                _tallies[(kind, variant)] = new SamplerTally();
                Fill(kind, variant, start: 0, seed: -1, new SamplerTally()); // only warms up
            }
        }

        for (int seed = 0; seed < seeds; seed++)
        {
            foreach (BenchKind kind in Enum.GetValues<BenchKind>())
            {
                for (int start = 0; start < BenchTexts.Count; start += batch)
                {
                    for (int turn = 0; turn < variants.Length; turn++)
                    {
                        SamplerVariant variant = variants[(turn + start + seed) % variants.Length];
                        Fill(kind, variant, start, seed, this[kind, variant]);
                    }
                }
            }
        }
    }

    /// <summary>The best of the exact samplers as users get them.</summary>
    public double Best(Func<SamplerTally, PairedRatio> ratio, BenchKind kind) =>
        SamplerVariant.Usual.Where(variant => variant.IsExact).Max(variant => ratio(this[kind, variant]).Value);

    private void Fill(BenchKind kind, SamplerVariant variant, int start, int seed, SamplerTally tally)
    {
        var options = new InfillOptions
        {
            Sampler = variant.Kind,
            ForwardPassOverhead = variant.ForwardPassOverhead,
            Temperature = temperature,
            Seed = 1000 * seed,
        };
        texts.Fill(kind, start, batch, options, tally);
    }
}
