using AsArm.Benchmarks.Texts;
using AsArm.Inference.Infilling;

namespace AsArm.Benchmarks.Samplers;

/// <summary>Fills the same texts with every sampler by turns, so that what else the machine does hits all of them alike.</summary>
/// <param name="infiller">The model; nobody else may use it meanwhile.</param>
/// <param name="variants">The samplers.</param>
/// <param name="setting">How they are run.</param>
public sealed class SamplerRun(TextInfiller infiller, IReadOnlyList<SamplerVariant> variants, SamplerRunSetting setting)
{
    private readonly StepwiseInfiller _stepwise = new(infiller);
    private readonly Dictionary<(TextKind Kind, SamplerVariant Variant), SamplerTally> _tallies = [];

    /// <summary>How they are run.</summary>
    public SamplerRunSetting Setting => setting;

    /// <summary>What a sampler did on the texts of a kind.</summary>
    public SamplerTally this[TextKind kind, SamplerVariant variant] => _tallies[(kind, variant)];

    /// <summary>What a sampler did, as users get it.</summary>
    public SamplerTally this[TextKind kind, SamplerKind sampler] => this[kind, new SamplerVariant(sampler)];

    /// <summary>Takes the time of all.</summary>
    /// <param name="cancellationToken">Stops within a forward pass.</param>
    public void Run(CancellationToken cancellationToken = default)
    {
        foreach (TextKind kind in TextKinds.All)
        {
            foreach (SamplerVariant variant in variants)
                _tallies[(kind, variant)] = new SamplerTally(setting.IntervalUnit);
        }

        foreach (SamplerVariant variant in variants)
            Fill(TextKind.OneGap, variant, start: 0, seed: -1, cancellationToken); // only warms up

        for (int seed = 0; seed < setting.Seeds; seed++)
        {
            foreach (TextKind kind in TextKinds.All)
            {
                for (int start = 0; start < BenchmarkTexts.Count; start += setting.Batch)
                {
                    for (int turn = 0; turn < variants.Count; turn++)
                    {
                        SamplerVariant variant = variants[(turn + start + seed) % variants.Count];
                        this[kind, variant].Add(start, Fill(kind, variant, start, seed, cancellationToken));
                    }
                }
            }
        }
    }

    private Observation Fill(TextKind kind, SamplerVariant variant, int start, int seed, CancellationToken cancellationToken)
    {
        var options = new InfillOptions
        {
            Sampler = variant.Kind,
            ForwardPassOverhead = variant.ForwardPassOverhead,
            Temperature = setting.Temperature,
            Seed = 1000 * seed,
        };
        return _stepwise.Fill(kind, start, setting.Batch, options, cancellationToken);
    }
}
