namespace AsArm.Inference.Infilling;

/// <summary>The sampling algorithms. All but <see cref="Parallel" /> are exact.</summary>
public enum SamplerKind
{
    /// <summary>Speculative decoding with one forward pass per speculation step, in which drafts from n-grams and from earlier passes are verified, <see cref="AsArm.Assd.Samplers.Fused.FusedSampler" />.</summary>
    Fused,

    /// <summary>Any-subset speculative decoding, as in the paper, <see cref="AsArm.Assd.Samplers.AssdSampler" />.</summary>
    Assd,

    /// <summary>Speculative decoding with drafts from the bigrams of the text itself, <see cref="AsArm.Assd.Samplers.NgramSampler" />.</summary>
    Ngram,

    /// <summary>One token per forward pass, <see cref="AsArm.Assd.Samplers.SequentialSampler" />.</summary>
    Sequential,

    /// <summary>Several tokens per forward pass without verification, <see cref="AsArm.Assd.Samplers.ParallelSampler" />. NOT exact; for comparisons.</summary>
    Parallel,
}
