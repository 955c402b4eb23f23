using AsArm.Assd;

namespace AsArm.Inference;

/// <summary>What all jobs of an infiller have in common.</summary>
/// <param name="Manifest">The model.</param>
/// <param name="Device">Where it runs.</param>
/// <param name="Banned">Tokens that stand for no text.</param>
/// <param name="Ngrams">The folder's n-grams, if it has any.</param>
internal sealed record InfillSetting(ModelManifest Manifest, Device Device, IReadOnlyCollection<int> Banned, NgramTable? Ngrams)
{
    /// <summary>Makes the plans of measurements; null for plans by the model's own figures.</summary>
    public Func<IDraftPlan>? NewPlan { get; init; }

    /// <summary>What a corpus is worth.</summary>
    public double CorpusWeight { get; init; } = Manifest.Drafting?.CorpusWeight ?? FusedSampler.DefaultCorpusWeight;

    private DraftAcceptance Acceptance { get; } = Manifest.Drafting?.DraftAcceptance ?? DraftAcceptance.Neutral;

    /// <summary>A plan for one sequence.</summary>
    /// <param name="options">How it is filled.</param>
    /// <param name="inBatch">Whether it shares its passes with others.</param>
    public IDraftPlan CreatePlan(InfillOptions options, bool inBatch)
    {
        if (NewPlan is not null)
            return NewPlan();
        CallCost cost = CallCosts.Of(Manifest.Drafting, Device, options.CallCostInRows, inBatch);
        return inBatch
            ? AdaptiveDraftPlan.Uniform(cost, options.DraftLength, Acceptance, KnownIn(options.Order), Ngrams is not null)
            : new AdaptiveDraftPlan(cost, options.DraftLength, Acceptance);
    }

    private static Neighbours KnownIn(DecodingOrder order) => order switch
    {
        DecodingOrder.LeftToRight => Neighbours.Left,
        DecodingOrder.RightToLeft => Neighbours.Right,
        _ => Neighbours.None,
    };
}
