using AsArm.Assd.Planning;

namespace AsArm.Inference.ModelFolders;

/// <summary>Expected acceptance of draft tokens by source; null where nobody measured it. See <see cref="DraftAcceptance" />.</summary>
public sealed record AcceptanceFigures
{
    /// <summary>Of the n-grams of ngrams.bin, by known neighbours.</summary>
    public NeighbourRates? Ngram { get; init; }

    /// <summary>Of rows that the network answered earlier, by the neighbours that they saw.</summary>
    public NeighbourRates? Network { get; init; }

    /// <summary>Of such rows times what n-grams add to them.</summary>
    public NeighbourRates? Product { get; init; }

    /// <summary>[<see cref="DraftAcceptance.Columns" />] of the sequence's own bigrams, where there is no ngrams.bin.</summary>
    public IReadOnlyList<double>? OwnBigrams { get; init; }

    internal DraftAcceptance ToDraftAcceptance() => new(Ngram?.Together(), Network?.Together(), Product?.Together(), OwnBigrams);

    /// <summary>The first field that is out of its range; null if none is.</summary>
    internal string? FirstInvalidField() =>
        Ngram?.FirstInvalidField() is string ngram ? $"ngram.{ngram}" :
        Network?.FirstInvalidField() is string network ? $"network.{network}" :
        Product?.FirstInvalidField() is string product ? $"product.{product}" :
        OwnBigrams is not null && !NeighbourRates.AreRates(OwnBigrams) ? "own_bigrams" :
        null;
}
