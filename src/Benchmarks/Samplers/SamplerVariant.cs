using AsArm.Inference.Infilling;

namespace AsArm.Benchmarks.Samplers;

/// <summary>A sampler as it takes part in the comparison.</summary>
/// <param name="Kind">Which one.</param>
/// <param name="ForwardPassOverhead">What it takes a forward pass to cost beside its tokens, in tokens; null for the model's own figure.</param>
public sealed record SamplerVariant(SamplerKind Kind, double? ForwardPassOverhead = null)
{
    /// <summary>The samplers as users get them.</summary>
    public static IReadOnlyList<SamplerVariant> Usual { get; } = [.. Enum.GetValues<SamplerKind>().Select(kind => new SamplerVariant(kind))];

    /// <summary>Those that draw from the model's own distribution.</summary>
    public static IReadOnlyList<SamplerVariant> Exact { get; } = [.. Usual.Where(variant => variant.Kind != SamplerKind.Parallel)];
}
