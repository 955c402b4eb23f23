using AsArm.Assd;

namespace AsArm.Inference;

/// <summary>
/// How a text is filled. Every combination is exact for the law that temperature, top-k, top-p and bans define, except with
/// <see cref="SamplerKind.Parallel" />.
/// </summary>
public sealed record InfillOptions : SamplingOptions
{
    /// <summary>Which sampler decides the tokens.</summary>
    public SamplerKind Sampler { get; init; } = SamplerKind.Fused;

    /// <summary>In which order the unknown tokens are decided.</summary>
    public DecodingOrder Order { get; init; } = DecodingOrder.LeftToRight;

    /// <summary>The same seed gives the same text on the same machine; null draws a seed, which the result names.</summary>
    public long? Seed { get; init; }
}
