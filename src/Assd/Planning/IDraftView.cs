using AsArm.Assd.Ordering;

namespace AsArm.Assd.Planning;

/// <summary>
/// The state of a speculation step that a draft policy may depend on. It shows no token that is not verified yet: a policy that depends on
/// one changes the output distribution.
/// </summary>
public interface IDraftView
{
    /// <summary>n, the number of ranks with a final token.</summary>
    int Committed { get; }

    /// <summary>The number of ranks.</summary>
    int Length { get; }

    /// <summary>
    /// The number of draft tokens of this speculation step so far; they have the ranks Committed..Committed + Drafted - 1.
    /// </summary>
    int Drafted { get; }

    /// <summary>Whether there are corpus n-grams; otherwise n-gram drafts come from the sequence's own bigrams.</summary>
    bool HasCorpus { get; }

    /// <summary>Whether there is a draft head.</summary>
    bool HasHead { get; }

    /// <summary>What is known of a target.</summary>
    /// <param name="rank">A rank that is not committed.</param>
    DraftTarget Target(int rank);

    /// <summary>
    /// Computes the n-gram draft of the next target, of rank Committed + Drafted, so that <see cref="Target" /> returns its confidence.
    /// Optional, as it takes time; a second call does nothing.
    /// </summary>
    void MakeNgramDraft();

    /// <summary>The neighbours in the text that the conditional (rank, horizon) sees.</summary>
    Neighbours VisibleNeighbours(int rank, int horizon);
}
