namespace AsArm.Assd.Planning;

/// <summary>What a draft token is drawn from.</summary>
public enum DraftSource
{
    /// <summary>No draft token.</summary>
    None,

    /// <summary>Corpus n-grams and the sequence's own, given the known neighbours in the text.</summary>
    Ngram,

    /// <summary>A row that the network answered earlier, seeing less than the target will.</summary>
    Network,

    /// <summary>Such a row times what the n-grams add to it.</summary>
    Product,
}
