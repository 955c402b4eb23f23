using AsArm.Assd.Ordering;

namespace AsArm.Assd.Planning;

/// <summary>
/// Running estimates for one sequence: the prior, scaled for each source by how the sequence's draft tokens did against it. No
/// estimate is shared between sequences, or a text would depend on which others are in its batch.
/// </summary>
/// <remarks>
/// There is no term for the distance within a speculation step: a draft token is drawn knowing the ones before it, and is tested only after they
/// were kept.
/// </remarks>
/// <param name="prior">What is expected before the sequence's own draft tokens tell more.</param>
internal sealed class AcceptanceEstimates(DraftAcceptance prior)
{
    private const double MaxProbability = 0.99;

    private readonly double[] _expected = new double[Enum.GetValues<DraftSource>().Length];
    private readonly double[] _seen = new double[Enum.GetValues<DraftSource>().Length];

    /// <summary>Whether n-grams come from a corpus.</summary>
    public bool HasCorpus { get; set; } = true;

    /// <summary>The best source that a target has, None if it has none, and the chance of a draft token from it.</summary>
    public DraftSource Best(in DraftTarget target, out double chance)
    {
        DraftSource best = DraftSource.None;
        chance = 0;
        for (DraftSource source = DraftSource.Ngram; source <= DraftSource.Product; source++)
        {
            double other = Chance(source, target);
            if (other > chance)
                (best, chance) = (source, other);
        }

        return best;
    }

    /// <summary>The chance of the next draft token, did its n-gram draft turn out as sure as any: a bound before it is made.</summary>
    public double AtBest(in DraftTarget target)
    {
        Best(target with { NgramConfidence = 1 }, out double chance);
        return chance;
    }

    /// <summary>The chance of a draft token from a row not asked yet, from the network alone or multiplied, whichever is better.</summary>
    public double WithNetworkDraft(Neighbours sees) => Math.Max(
        Scaled(DraftSource.Network, prior.Of(DraftSource.Network, sees, null)),
        HasCorpus ? Scaled(DraftSource.Product, prior.Of(DraftSource.Product, sees, null)) : 0);

    /// <summary>Takes in how a draft token did.</summary>
    public void Learn(DraftSource source, in DraftTarget target, double acceptance)
    {
        _expected[(int)source] += Prior(source, target);
        _seen[(int)source] += acceptance;
    }

    private double Chance(DraftSource source, in DraftTarget target)
    {
        bool isThere = source switch
        {
            DraftSource.Ngram => target.NgramConfidence is not 0,
            DraftSource.Product => HasCorpus && target.NgramConfidence is not 0 && target.NetworkNeighbours is Neighbours sees && (sees & Neighbours.Left) == 0,
            _ => target.NetworkNeighbours is not null,
        };
        return isThere ? Scaled(source, Prior(source, target)) : 0;
    }

    private double Scaled(DraftSource source, double expected)
    {
        double weight = prior.WeightOf(source, HasCorpus);
        return Math.Min(MaxProbability, expected * (weight + _seen[(int)source]) / (weight + _expected[(int)source]));
    }

    private double Prior(DraftSource source, in DraftTarget target) =>
        source == DraftSource.Ngram && !HasCorpus ? prior.OfOwnBigrams(target.NgramConfidence) : prior.Of(source, target);
}
