using AsArm.Assd.Ordering;

namespace AsArm.Assd.Planning;

/// <summary>
/// Decides for one sequence what is drafted: from which source, how far, and which rows the network is asked for later drafts.
/// The distribution of the output is the same whatever a plan does, as long as it decides before the draw that it decides about.
/// </summary>
public interface IDraftPolicy
{
    /// <summary>Most draft tokens of a speculation step; at least 0.</summary>
    int MaxDraftTokens { get; }

    /// <summary>Most draft queries of a call; at least 0.</summary>
    int MaxDraftQueries { get; }

    /// <summary>Draft queries are asked for ranks below Decided + Reach only; one row is kept for each.</summary>
    int Reach { get; }

    /// <summary>Whether another draft token is drawn, at rank Decided + Proposed, and from what.</summary>
    DraftSource Choose(IDraftView view);

    /// <summary>The draft queries of the coming call, after the last draft token was drawn.</summary>
    /// <param name="view">The speculation step.</param>
    /// <param name="rows">
    /// [MaximumDraftRows] to fill with (rank, horizon): Decided &lt;= horizon &lt;= Decided + Proposed, horizon &lt; rank. A row whose
    /// horizon shows draft tokens that are rejected is dropped.
    /// </param>
    /// <returns>How many.</returns>
    int AddDraftQueries(IDraftView view, Span<Conditional> rows);

    /// <summary>Tells how a draft token did.</summary>
    /// <param name="source">What it was drawn from.</param>
    /// <param name="target">What was known before.</param>
    /// <param name="acceptance">min(1, q / p): the probability with which a lone test keeps the token that was drawn.</param>
    void Learn(DraftSource source, in DraftTarget target, double acceptance);
}
