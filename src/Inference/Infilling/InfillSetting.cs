using AsArm.Assd.DraftHeads;
using AsArm.Assd.Ngrams;
using AsArm.Assd.Ordering;
using AsArm.Assd.Planning;
using AsArm.Inference.Devices;
using AsArm.Inference.ModelFolders;

namespace AsArm.Inference.Infilling;

/// <summary>The settings that all jobs of an infiller share.</summary>
/// <param name="Manifest">The model.</param>
/// <param name="Device">The device that runs it.</param>
/// <param name="Banned">Tokens that are not text, which are never generated.</param>
/// <param name="Ngrams">The n-gram table of the folder; null if it has none.</param>
internal sealed record InfillSetting(ModelManifest Manifest, Device Device, IReadOnlyCollection<int> Banned, NgramTable? Ngrams)
{
    /// <summary>Creates the draft policies of a measurement; null for the policies of normal use.</summary>
    public Func<IDraftPolicy>? PolicyFactory { get; init; }

    /// <summary>The draft head of the folder, for a network that returns states; null without.</summary>
    public DraftHead? Head { get; init; }

    /// <summary>The weight of the n-gram table, in counts of the sequence's own n-grams.</summary>
    public double CorpusWeight { get; init; } = Manifest.Drafting?.CorpusWeight ?? NgramTable.DefaultCorpusWeight;

    private DraftAcceptance Acceptance { get; } = Manifest.Drafting?.DraftAcceptance ?? DraftAcceptance.Neutral;

    /// <summary>Creates the draft policy of one sequence.</summary>
    /// <param name="options">The options of the request.</param>
    /// <param name="mode">The draft mode.</param>
    public IDraftPolicy CreatePolicy(InfillOptions options, DraftMode mode)
    {
        if (PolicyFactory is not null)
            return PolicyFactory();
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
