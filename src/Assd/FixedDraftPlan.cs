namespace AsArm.Assd;

/// <summary>The same in every round: k proposals from one source, and tails of draft rows for chosen outcomes.</summary>
/// <remarks>For tests and measurements, and, without proposals, for sequential decoding.</remarks>
public sealed class FixedDraftPlan : IDraftPlan
{
    private readonly DraftSource _source;
    private readonly int _tail;

    /// <summary>A plan that never changes.</summary>
    /// <param name="source">Proposals come from it where it is there, else from n-grams, else from the network's row.</param>
    /// <param name="proposals">k, the proposals of a round.</param>
    /// <param name="tail">Draft rows for each outcome j = 0..k: ranks n+j+1..n+j+tail, seeing the first j proposals.</param>
    public FixedDraftPlan(DraftSource source, int proposals, int tail = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(proposals);
        ArgumentOutOfRangeException.ThrowIfNegative(tail);
        _source = source;
        _tail = tail;
        MaximumProposals = proposals;
        MaximumDraftRows = checked((proposals + 1) * tail);
    }

    /// <inheritdoc />
    public int MaximumProposals { get; }

    /// <inheritdoc />
    public int MaximumDraftRows { get; }

    /// <inheritdoc />
    public int Reach => _source == DraftSource.Ngram && _tail == 0 ? 0 : MaximumProposals + _tail + 1;

    /// <inheritdoc />
    public DraftSource Choose(IDraftView view)
    {
        ArgumentNullException.ThrowIfNull(view);
        view.MakeNgramDraft();
        DraftTarget target = view.Target(view.Decided + view.Proposed);
        if (_source != DraftSource.Ngram && target.RowSees is not null)
            return _source;
        if (_source != DraftSource.Network && target.NgramConfidence > 0)
            return DraftSource.Ngram;
        return DraftSource.None;
    }

    /// <inheritdoc />
    public int AskRows(IDraftView view, Span<Conditional> rows)
    {
        ArgumentNullException.ThrowIfNull(view);
        int count = 0;
        for (int outcome = 0; outcome <= view.Proposed; outcome++)
        {
            int horizon = view.Decided + outcome;
            for (int rank = horizon + 1; rank <= Math.Min(horizon + _tail, view.Length - 2); rank++)
                rows[count++] = new(rank, horizon);
        }

        return count;
    }

    /// <inheritdoc />
    public void Learn(DraftSource source, in DraftTarget target, double acceptance)
    {
    }
}
