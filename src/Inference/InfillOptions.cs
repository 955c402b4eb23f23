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

    /// <summary>
    /// The same seed gives the same text on the same machine; null draws a seed, which the result names. A text in a batch, of
    /// whatever others, may be another sample than the same one alone: <see cref="SamplerKind.Fused" /> plans for shared calls there.
    /// </summary>
    public long? Seed { get; init; }

    /// <summary>
    /// What a model call costs beside its rows, in rows; positive. <see cref="SamplerKind.Fused" /> drafts the further the more it is; null
    /// takes what is usual for the model and the device. `asarm bench` prints what it measures.
    /// </summary>
    public double? CallCostInRows { get; init; }
}
