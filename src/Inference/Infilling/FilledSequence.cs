using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Assd.Planning;
using AsArm.Assd.Samplers;
using AsArm.Assd.Samplers.Fused;
using AsArm.Inference.ModelFolders;

namespace AsArm.Inference.Infilling;

/// <summary>A sequence with all targets committed, and the options of its distribution.</summary>
/// <param name="Order">The order of the sequence.</param>
/// <param name="Tokens">[Order.Length] tokens by position.</param>
/// <param name="Distribution">Temperature, top-k, top-p and bans.</param>
/// <param name="Model"><see cref="ModelManifest.Identity" /> of the model that filled it.</param>
internal sealed record FilledSequence(Order Order, int[] Tokens, SamplingOptions Distribution, string Model)
{
    /// <summary>[Order.TargetCount] log-probabilities of the targets, by rank.</summary>
    public required double[] LogProbabilities { get; init; }

    /// <summary>[Order.TargetCount] entropies of the distributions of the targets, by rank; empty if they were not recorded.</summary>
    public double[] Entropies { get; init; } = [];

    /// <summary>The counts of its sampler.</summary>
    public required SamplingStatistics Statistics { get; init; }

    /// <summary>Counts of draft tokens by source; empty except for <see cref="SamplerKind.Fused" />.</summary>
    public required IReadOnlyDictionary<DraftSource, DraftCounts> Drafts { get; init; }

    /// <summary>Copies what a sampler has done; its buffers are not kept.</summary>
    public static FilledSequence Of(Sampler sampler, SamplingOptions distribution, string model) =>
        new(sampler.State.Order, [.. sampler.Tokens], distribution, model)
        {
            LogProbabilities = [.. sampler.LogProbabilities],
            Entropies = [.. sampler.Entropies],
            Statistics = sampler.Statistics,
            Drafts = sampler is FusedSampler fused ? DraftSources.ToDictionary(source => source, fused.Counts) : [],
        };

    private static IEnumerable<DraftSource> DraftSources => [DraftSource.Ngram, DraftSource.Network, DraftSource.Product, DraftSource.Head];
}
