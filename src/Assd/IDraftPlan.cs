namespace AsArm.Assd;

/// <summary>
/// Decides for one sequence what is drafted: from which source, how far, and which rows the network is asked for later drafts.
/// The law of the output is the same whatever a plan does, as long as it decides before the draw that it decides about.
/// </summary>
public interface IDraftPlan
{
    /// <summary>Most proposals of a round; at least 0.</summary>
    int MaximumProposals { get; }

    /// <summary>Most draft rows of a call; at least 0.</summary>
    int MaximumDraftRows { get; }

    /// <summary>Draft rows are asked for ranks below Decided + Reach only; one row is kept for each.</summary>
    int Reach { get; }

    /// <summary>Whether another proposal is drawn, at rank Decided + Proposed, and from what.</summary>
    DraftSource Choose(IDraftView view);

    /// <summary>The draft rows of the coming call, after the last proposal was drawn.</summary>
    /// <param name="view">The round.</param>
    /// <param name="rows">
    /// [MaximumDraftRows] to fill with (rank, horizon): Decided &lt;= horizon &lt;= Decided + Proposed, horizon &lt; rank. A row whose
    /// horizon shows proposals that are rejected is dropped.
    /// </param>
    /// <returns>How many.</returns>
    int AskRows(IDraftView view, Span<Conditional> rows);

    /// <summary>Tells how a proposal did.</summary>
    /// <param name="source">What it was drawn from.</param>
    /// <param name="target">What was known before.</param>
    /// <param name="acceptance">min(1, q / p): the probability with which a lone test keeps the token that was drawn.</param>
    void Learn(DraftSource source, in DraftTarget target, double acceptance);
}
