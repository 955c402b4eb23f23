namespace AsArm.Assd.Planning;

/// <summary>The distribution that a draft token is drawn from.</summary>
public enum DraftSource
{
    /// <summary>No draft token.</summary>
    None,

    /// <summary>Corpus n-grams and the sequence's own bigrams, given the known neighbours in the text.</summary>
    Ngram,

    /// <summary>A row of an earlier forward pass, which sees fewer tokens than the oracle will.</summary>
    Network,

    /// <summary>The product of such a row and the n-grams, see docs/algorithm.md.</summary>
    Product,

    /// <summary>Such a row, corrected by a draft head and n-grams for the tokens before the target that it has not seen.</summary>
    Head,
}
