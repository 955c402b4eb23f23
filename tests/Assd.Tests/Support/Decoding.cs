namespace AsArm.Assd.Tests;

/// <summary>Makes samplers and runs them.</summary>
internal static class Decoding
{
    public static Sampler Create(SamplerKind kind, Order order, ReadOnlySpan<int> tokens, SamplingOptions options, int vocabularySize) =>
        kind switch
        {
            SamplerKind.Sequential => new SequentialSampler(order, tokens, options, vocabularySize),
            SamplerKind.Assd => new AssdSampler(order, tokens, options, vocabularySize),
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
