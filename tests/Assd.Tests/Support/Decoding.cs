namespace AsArm.Assd.Tests;

/// <summary>Makes samplers and runs them.</summary>
internal static class Decoding
{
    public static Sampler Create(SamplerKind kind, Order order, ReadOnlySpan<int> tokens, SamplingOptions options, int vocabularySize) =>
        kind switch
        {
            SamplerKind.Sequential => new SequentialSampler(order, tokens, options, vocabularySize),
            SamplerKind.Assd => new AssdSampler(order, tokens, options, vocabularySize),
            SamplerKind.Ngram => new NgramSampler(order, tokens, options, vocabularySize),
            SamplerKind.Fused => new FusedSampler(
                order, tokens, options, vocabularySize, new AdaptiveDraftPlan(new(1000, 1, 1)), NgramBytes.Table(vocabularySize, 3)),
            SamplerKind.FusedTokenWise => new FusedSampler(
                order,
                tokens,
                options,
                vocabularySize,
                new FixedDraftPlan(DraftSource.Product, 3, 2),
                ngrams: null,
                Verification.TokenWise),
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };

    /// <summary>Decides everything and hands the sampler back.</summary>
    public static T Run<T>(T sampler, IAnySubsetModel model, ICoinSource coins)
        where T : Sampler
    {
        new SamplingLoop(model, [sampler], [coins]).Run(CancellationToken.None);
        return sampler;
    }
}
