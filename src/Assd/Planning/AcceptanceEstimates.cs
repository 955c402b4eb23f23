using AsArm.Assd.Ordering;

namespace AsArm.Assd.Planning;

/// <summary>
/// Running estimates of acceptance for one sequence: the prior, scaled for each source by the observed acceptance of the sequence's own
/// draft tokens. Sequences share no estimates; otherwise a text would depend on its batch.
/// </summary>
/// <remarks>
/// Acceptance does not depend on the distance within a speculation step: a draft token is drawn given those before it, and verified only if
/// they were accepted.
/// </remarks>
/// <param name="prior">The expected acceptance before any draft token of the sequence is verified.</param>
internal sealed class AcceptanceEstimates(DraftAcceptance prior)
{
    private const double MaxProbability = 0.99;

    private readonly double[] _expected = new double[Enum.GetValues<DraftSource>().Length];
    private readonly double[] _observed = new double[Enum.GetValues<DraftSource>().Length];

    /// <summary>Whether there are corpus n-grams.</summary>
    public bool HasCorpus { get; set; } = true;

    /// <summary>Whether there is a draft head.</summary>
    public bool HasHead { get; set; }

    /// <summary>The available source with the highest estimate for a target, None if there is none, and that estimate.</summary>
    public DraftSource Best(in DraftTarget target, out double acceptance)
    {
        DraftSource best = DraftSource.None;
        acceptance = 0;
        for (DraftSource source = DraftSource.Ngram; source <= DraftSource.Head; source++)
        {
            double other = Estimate(source, target);
            if (other > acceptance)
                (best, acceptance) = (source, other);
        }

        return best;
    }

    /// <summary>An upper bound on the estimate of the next target, before its n-gram draft is computed.</summary>
    public double UpperBound(in DraftTarget target)
    {
        Best(target with { NgramConfidence = 1 }, out double acceptance);
        return acceptance;
    }

    /// <summary>
    /// The estimate of a target if it had a row that sees these neighbours: from the row, its product with n-grams or the draft head, whichever
    /// is highest.
    /// </summary>
    /// <param name="known">The neighbours that are known when the target is drafted.</param>
    /// <param name="visible">Those that the row sees.</param>
    public double WithNetworkDraft(Neighbours known, Neighbours visible)
    {
        double best = Scaled(DraftSource.Network, prior.Of(DraftSource.Network, visible, null));
        if (HasCorpus)
            best = Math.Max(best, Scaled(DraftSource.Product, prior.Of(DraftSource.Product, visible, null)));
        if (HasHead && (known & ~visible & Neighbours.Left) != 0)
            best = Math.Max(best, Scaled(DraftSource.Head, prior.Of(DraftSource.Head, visible, null)));
        return best;
    }

    /// <summary>Records the acceptance of a verified draft token.</summary>
    public void Record(DraftSource source, in DraftTarget target, double acceptance)
    {
        _expected[(int)source] += Prior(source, target);
        _observed[(int)source] += acceptance;
    }

    private double Estimate(DraftSource source, in DraftTarget target)
    {
        bool isAvailable = source switch
        {
            DraftSource.Ngram => target.NgramConfidence is not 0,
            DraftSource.Product => HasCorpus && target.NgramConfidence is not 0 && target.NetworkNeighbours is Neighbours visible && (visible & Neighbours.Left) == 0,
            DraftSource.Head => target.HasHead,
            _ => target.NetworkNeighbours is not null,
        };
        return isAvailable ? Scaled(source, Prior(source, target)) : 0;
    }

    private double Scaled(DraftSource source, double expected)
    {
        double weight = prior.WeightOf(source, HasCorpus);
        return Math.Min(MaxProbability, expected * (weight + _observed[(int)source]) / (weight + _expected[(int)source]));
    }

    private double Prior(DraftSource source, in DraftTarget target) =>
        source == DraftSource.Ngram && !HasCorpus ? prior.OfOwnBigrams(target.NgramConfidence) : prior.Of(source, target);
}
