namespace AsArm.Inference.Infilling;

/// <summary>
/// What <see cref="SamplerKind.Fused" /> optimises when it decides how many tokens to draft; both are exact. A seed gives one text in each mode, whatever other texts share the forward passes.
/// </summary>
public enum DraftMode
{
    /// <summary>The time of one text that has the forward passes to itself: the number of draft tokens changes from step to step.</summary>
    Latency,

    /// <summary>The tokens per second of many texts that share forward passes: all draft the same number of tokens in every step.</summary>
    Throughput,
}
