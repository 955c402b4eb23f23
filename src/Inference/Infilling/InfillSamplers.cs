using System.Diagnostics;
using AsArm.Assd.Constraints;
using AsArm.Assd.Ordering;
using AsArm.Assd.Samplers;
using AsArm.Assd.Samplers.Fused;
using AsArm.Inference.Gaps;

namespace AsArm.Inference.Infilling;

/// <summary>Creates the samplers of requests.</summary>
internal static class InfillSamplers
{
    /// <summary>Whether what a sampler fills is a sample of the distribution of the model.</summary>
    public static GapAccuracy AccuracyOf(SamplerKind sampler) => sampler == SamplerKind.Parallel ? GapAccuracy.Estimate : GapAccuracy.Exact;

    /// <summary>Creates the sampler that the options name.</summary>
    /// <param name="order">The order of the sequence.</param>
    /// <param name="tokens">[order.Length] tokens by position; those of targets are ignored.</param>
    /// <param name="options">The options of the request, with all bans.</param>
    /// <param name="setting">The settings of the infiller.</param>
    /// <param name="mode">The draft mode.</param>
    /// <param name="count">Number of targets to generate, from the first; null for all.</param>
    /// <param name="constraint">A draw given a constraint; null without one.</param>
    /// <param name="endToken">A token that ends the sequence; null for none.</param>
    public static Sampler Create(Order order, int[] tokens, InfillOptions options, InfillSetting setting, DraftMode mode, int? count = null, ConstrainedDraw? constraint = null, int? endToken = null)
    {
        int vocabularySize = setting.Manifest.VocabularySize, end = order.GivenCount + (count ?? order.TargetCount);
        return options.Sampler switch
        {
            SamplerKind.Fused when order.TargetCount > 1 && setting.CreatePolicy(options, mode) is { MaxDraftTokens: > 0 } policy =>
                new FusedSampler(order, tokens, options, vocabularySize, policy, setting.Ngrams, corpusWeight: setting.CorpusWeight, head: setting.Head) { EndRank = end, Constraint = constraint, EndToken = endToken, RecordsEntropies = options.Entropies },
            SamplerKind.Fused => new SequentialSampler(order, tokens, options, vocabularySize) { EndRank = end, Constraint = constraint, EndToken = endToken, RecordsEntropies = options.Entropies }, // equivalent without drafts, and needs no draft buffers
            SamplerKind.Assd => new AssdSampler(order, tokens, options, vocabularySize) { EndRank = end, Constraint = constraint, EndToken = endToken, RecordsEntropies = options.Entropies },
            SamplerKind.Ngram => new NgramSampler(order, tokens, options, vocabularySize) { EndRank = end, Constraint = constraint, EndToken = endToken, RecordsEntropies = options.Entropies },
            SamplerKind.Sequential => new SequentialSampler(order, tokens, options, vocabularySize) { EndRank = end, Constraint = constraint, EndToken = endToken, RecordsEntropies = options.Entropies },
            SamplerKind.Parallel => new ParallelSampler(order, tokens, options, vocabularySize) { EndRank = end, Constraint = constraint, EndToken = endToken, RecordsEntropies = options.Entropies },
            _ => throw new UnreachableException(),
        };
    }
}
