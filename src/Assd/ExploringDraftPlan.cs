namespace AsArm.Assd;

/// <summary>
/// A draft plan that measures: it proposes from every source that a target has by turns of a coin of its own, drafts rows ahead at
/// random, and writes down how each examined draft token did, those included that no plan would choose. The samples are exact, as
/// with any plan.
/// </summary>
/// <param name="tally">Takes the acceptance of what was examined; plans of several sequences of one loop may share it.</param>
/// <param name="coins">The plan's own, so that what it does is independent of the tokens drawn.</param>
public sealed class ExploringDraftPlan(DraftAcceptanceTally tally, ICoinSource coins) : IDraftPlan
{
    private const int DraftRows = 4;
    private const double GoesOn = 0.5;

    private static readonly DraftSource[] s_sources = [DraftSource.Ngram, DraftSource.Network, DraftSource.Product];

    private readonly List<DraftSource> _available = [];

    /// <inheritdoc />
    public int MaximumProposals => 4;

    /// <inheritdoc />
    public int MaximumDraftRows => DraftRows;

    /// <inheritdoc />
    public int Reach => MaximumProposals + 2 * DraftRows;

    /// <inheritdoc />
    public DraftSource Choose(IDraftView view)
    {
        ArgumentNullException.ThrowIfNull(view);
        if (view.Proposed > 0 && coins.Toss() >= GoesOn)
            return DraftSource.None;
        view.MakeNgramDraft();
        DraftTarget target = view.Target(view.Decided + view.Proposed);
        _available.Clear();
        foreach (DraftSource source in s_sources)
        {
            if (IsThere(source, target, view.HasCorpus))
                _available.Add(source);
        }

        return _available.Count == 0 ? DraftSource.None : _available[(int)(coins.Toss() * _available.Count)];
    }

    /// <inheritdoc />
    public int AskRows(IDraftView view, Span<Conditional> rows)
    {
        ArgumentNullException.ThrowIfNull(view);
        int count = 0, last = Math.Min(view.Length - 1, view.Decided + Reach);
        for (int rank = view.Decided + view.Proposed + 1; rank < last && count < rows.Length; rank++)
        {
            if (view.Target(rank).RowSees is null && coins.Toss() < 0.5)
                rows[count++] = new(rank, view.Decided);
        }

        return count;
    }

    /// <inheritdoc />
    public void Learn(DraftSource source, in DraftTarget target, double acceptance) => tally.Add(source, target, acceptance);

    /// <summary>Without a corpus n-grams are those of the sequence, which are measured apart.</summary>
    private static bool IsThere(DraftSource source, in DraftTarget target, bool hasCorpus) => source switch
    {
        DraftSource.Ngram => hasCorpus && target.NgramConfidence > 0,
        DraftSource.Product => hasCorpus && target.NgramConfidence > 0 && target.RowSees is Neighbours sees && (sees & Neighbours.Left) == 0,
        _ => target.RowSees is not null,
    };
}
