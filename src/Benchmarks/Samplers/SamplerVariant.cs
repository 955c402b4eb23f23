using AsArm.Inference.Infilling;

namespace AsArm.Benchmarks.Samplers;

/// <summary>A sampler as it takes part in the comparison.</summary>
/// <param name="Kind">Which one.</param>
/// <param name="ForwardPassOverhead">The forward-pass overhead in tokens that it plans with; null for the one in asarm.json.</param>
public sealed record SamplerVariant(SamplerKind Kind, double? ForwardPassOverhead = null)
{
    /// <summary>Every sampler with the settings of asarm.json.</summary>
    public static IReadOnlyList<SamplerVariant> All { get; } = [.. Enum.GetValues<SamplerKind>().Select(kind => new SamplerVariant(kind))];

    /// <summary>Those that draw from the model's own distribution.</summary>
    public static IReadOnlyList<SamplerVariant> Exact { get; } = [.. All.Where(variant => variant.Kind != SamplerKind.Parallel)];
}
