using AsArm.Assd.Ngrams;
using AsArm.Assd.Ordering;
using AsArm.Assd.Planning;
using AsArm.Inference.Devices;
using AsArm.Inference.ModelFolders;

namespace AsArm.Inference.Infilling;

/// <summary>What all jobs of an infiller have in common.</summary>
/// <param name="Manifest">The model.</param>
/// <param name="Device">Where it runs.</param>
/// <param name="Banned">Tokens that stand for no text.</param>
/// <param name="Ngrams">The folder's n-grams, if it has any.</param>
internal sealed record InfillSetting(ModelManifest Manifest, Device Device, IReadOnlyCollection<int> Banned, NgramTable? Ngrams)
{
    /// <summary>Makes the plans of measurements; null for plans by the model's own figures.</summary>
    public Func<IDraftPolicy>? NewPolicy { get; init; }

    /// <summary>What a corpus is worth.</summary>
    public double CorpusWeight { get; init; } = Manifest.Drafting?.CorpusWeight ?? NgramTable.DefaultCorpusWeight;

    private DraftAcceptance Acceptance { get; } = Manifest.Drafting?.DraftAcceptance ?? DraftAcceptance.Neutral;

    /// <summary>A plan for one sequence.</summary>
    /// <param name="options">How it is filled.</param>
    /// <param name="mode">The mode of requests that do not name one.</param>
    public IDraftPolicy CreatePolicy(InfillOptions options, DraftMode mode)
    {
        if (NewPolicy is not null)
            return NewPolicy();
        ForwardPassCost cost = ForwardPassCosts.Of(Manifest.Drafting, Device, options.ForwardPassOverhead, mode);
        return mode == DraftMode.Throughput
            ? AdaptiveDraftPolicy.Uniform(cost, options.DraftLength, Acceptance, KnownIn(options.Order), Ngrams is not null)
            : new AdaptiveDraftPolicy(cost, options.DraftLength, Acceptance);
    }

    private static Neighbours KnownIn(DecodingOrder order) => order switch
    {
        DecodingOrder.LeftToRight => Neighbours.Left,
        DecodingOrder.RightToLeft => Neighbours.Right,
        _ => Neighbours.None,
    };
}
