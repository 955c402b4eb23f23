using AsArm.Assd.Ordering;

namespace AsArm.Assd.Planning;

/// <summary>The state of a speculation step, as far as a plan may look at it without bending the distribution: no token that is yet to be tested.</summary>
public interface IDraftView
{
    /// <summary>n: ranks below are decided.</summary>
    int Committed { get; }

    /// <summary>Number of ranks.</summary>
    int Length { get; }

    /// <summary>Draft tokens of this speculation step so far: ranks Decided..Decided + Proposed - 1.</summary>
    int Drafted { get; }

    /// <summary>Whether n-gram drafts come from a corpus; without one they have the sequence's own pairs only.</summary>
    bool HasCorpus { get; }

    /// <summary>What is known of a target.</summary>
    /// <param name="rank">Not decided yet.</param>
    DraftTarget Target(int rank);

    /// <summary>
    /// Makes the n-gram draft of the next target, rank Decided + Proposed, unless it is made, so that <see cref="Target" /> tells its
    /// confidence; a plan that does without saves the work.
    /// </summary>
    void MakeNgramDraft();

    /// <summary>Which neighbours of a rank a row of some horizon sees.</summary>
    Neighbours VisibleNeighbours(int rank, int horizon);
}
