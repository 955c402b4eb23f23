using AsArm.Assd.Planning;

namespace AsArm.Inference.ModelFolders;

/// <summary>Expected acceptance of draft tokens by source; null where it was not measured. See <see cref="DraftAcceptance" />.</summary>
internal sealed record AcceptanceFigures
{
    /// <summary>Of draft tokens from the n-grams of ngrams.bin, by known neighbours.</summary>
    public NeighbourRates? Ngram { get; init; }

    /// <summary>Of draft tokens from logits of an earlier forward pass, by the neighbours that their queries saw.</summary>
    public NeighbourRates? Network { get; init; }

    /// <summary>Of draft tokens from the product of the two distributions.</summary>
    public NeighbourRates? Product { get; init; }

    /// <summary>Of draft tokens from logits of an earlier forward pass that the draft head corrects, likewise.</summary>
    public NeighbourRates? Head { get; init; }

    /// <summary>[<see cref="DraftAcceptance.Columns" />] Of draft tokens from the sequence's own bigrams, which are used without ngrams.bin.</summary>
    public IReadOnlyList<double>? OwnBigrams { get; init; }

    internal DraftAcceptance ToDraftAcceptance() => new(Ngram?.Flatten(), Network?.Flatten(), Product?.Flatten(), OwnBigrams, Head?.Flatten());

    /// <summary>The name of the first field that is out of range; null if all are valid.</summary>
    internal string? FirstInvalidField() =>
        Ngram?.FirstInvalidField() is string ngram ? $"ngram.{ngram}" :
        Network?.FirstInvalidField() is string network ? $"network.{network}" :
        Product?.FirstInvalidField() is string product ? $"product.{product}" :
        Head?.FirstInvalidField() is string head ? $"head.{head}" :
        OwnBigrams is not null && !NeighbourRates.AreValidRates(OwnBigrams) ? "own_bigrams" :
        null;
}
