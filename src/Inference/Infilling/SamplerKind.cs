namespace AsArm.Inference.Infilling;

/// <summary>The samplers. All but <see cref="Parallel" /> are exact.</summary>
public enum SamplerKind
{
    /// <summary>One call a speculation step verifies what n-grams and the network drafted, as far as it pays, <see cref="AsArm.Assd.Samplers.Fused.FusedSampler" />.</summary>
    Fused,

    /// <summary>Any-Subset Speculative Decoding, <see cref="AsArm.Assd.Samplers.AssdSampler" />.</summary>
    Assd,

    /// <summary>Drafts from the bigrams of the text itself, <see cref="AsArm.Assd.Samplers.NgramSampler" />.</summary>
    Ngram,

    /// <summary>One token a call, <see cref="AsArm.Assd.Samplers.SequentialSampler" />.</summary>
    Sequential,

    /// <summary>Several tokens a call without verification, <see cref="AsArm.Assd.Samplers.ParallelSampler" />. NOT exact; to compare with.</summary>
    Parallel,
}
