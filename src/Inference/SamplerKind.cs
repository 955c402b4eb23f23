namespace AsArm.Inference;

/// <summary>The samplers; all are exact.</summary>
public enum SamplerKind
{
    /// <summary>Any-Subset Speculative Decoding, <see cref="AsArm.Assd.AssdSampler" />.</summary>
    Assd,

    /// <summary>One token a call, <see cref="AsArm.Assd.SequentialSampler" />.</summary>
    Sequential,
}
