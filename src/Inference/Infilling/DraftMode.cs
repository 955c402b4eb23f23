namespace AsArm.Inference.Infilling;

/// <summary>
/// What the draft policy of <see cref="SamplerKind.Fused" /> optimises; both modes are exact. In each mode a seed gives the same text, whatever
/// other texts share the forward passes.
/// </summary>
public enum DraftMode
{
    /// <summary>The latency of a text that is filled alone: the number of draft tokens changes from step to step.</summary>
    Latency,

    /// <summary>The throughput of texts that share forward passes: all draft the same number of tokens in every step.</summary>
    Throughput,
}
