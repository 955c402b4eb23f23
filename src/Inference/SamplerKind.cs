namespace AsArm.Inference;

/// <summary>The samplers. All but <see cref="Parallel" /> are exact.</summary>
public enum SamplerKind
{
    /// <summary>One call a round verifies what n-grams and the network drafted, as far as it pays, <see cref="AsArm.Assd.FusedSampler" />.</summary>
    Fused,

    /// <summary>Any-Subset Speculative Decoding, <see cref="AsArm.Assd.AssdSampler" />.</summary>
    Assd,

    /// <summary>Drafts from the bigrams of the text itself, <see cref="AsArm.Assd.NgramSampler" />.</summary>
    Ngram,

    /// <summary>One token a call, <see cref="AsArm.Assd.SequentialSampler" />.</summary>
    Sequential,

    /// <summary>Several tokens a call without verification, <see cref="AsArm.Assd.ParallelSampler" />. NOT exact; to compare with.</summary>
    Parallel,
}
