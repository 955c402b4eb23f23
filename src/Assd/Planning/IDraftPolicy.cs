using AsArm.Assd.Ordering;

namespace AsArm.Assd.Planning;

/// <summary>
/// Decides what one sequence drafts: how many draft tokens, from which source, and which draft queries are added for later speculation
/// steps. The output distribution is the same for every policy that decides about a draft token before it is drawn.
/// </summary>
public interface IDraftPolicy
{
    /// <summary>The maximum number of draft tokens of a speculation step; at least 0.</summary>
    int MaxDraftTokens { get; }

    /// <summary>The maximum number of draft queries of a forward pass; at least 0.</summary>
    int MaxDraftQueries { get; }

    /// <summary>Draft queries have ranks below Committed + Lookahead, and rows are kept for these ranks; at least 0.</summary>
    int Lookahead { get; }

    /// <summary>The source of the next draft token, of rank Committed + Drafted; <see cref="DraftSource.None" /> ends drafting.</summary>
    DraftSource ChooseSource(IDraftView view);

    /// <summary>Adds the draft queries of the next forward pass; called after the last draft token of the step is drawn.</summary>
    /// <param name="view">The speculation step.</param>
    /// <param name="queries">
    /// [MaxDraftQueries] to fill with (rank, horizon): Committed &lt;= horizon &lt;= Committed + Drafted and horizon &lt; rank. Rows that
    /// have seen a draft token that is rejected are dropped.
    /// </param>
    /// <returns>The number of queries added.</returns>
    int AddDraftQueries(IDraftView view, Span<Conditional> queries);

    /// <summary>Records the acceptance of a verified draft token.</summary>
    /// <param name="source">The source that it was drawn from.</param>
    /// <param name="target">What was known before it was drawn.</param>
    /// <param name="acceptance">min(1, q/p) of the token: the probability with which it is accepted when it is verified by itself.</param>
    void RecordAcceptance(DraftSource source, in DraftTarget target, double acceptance);
}
