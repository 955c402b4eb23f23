using AsArm.Inference.Infilling;

namespace AsArm.Perf.Samplers;

/// <summary>A sampler as it takes part in the comparison.</summary>
/// <param name="Kind">Which one.</param>
/// <param name="ForwardPassOverhead">What it takes a call to cost; null for the usual cost of the model.</param>
internal sealed record SamplerVariant(SamplerKind Kind, double? ForwardPassOverhead = null)
{
    /// <summary>The samplers as users get them.</summary>
    public static readonly SamplerVariant[] Usual = [.. Enum.GetValues<SamplerKind>().Select(kind => new SamplerVariant(kind))];

    public string Name => Kind.ToString().ToLowerInvariant();

    public bool IsExact => Kind != SamplerKind.Parallel;
}
