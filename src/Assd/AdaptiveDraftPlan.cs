namespace AsArm.Assd;

/// <summary>
/// Drafts what brings the most expected tokens for the cost of its rows. A round that goes on as planned yields tokens at some
/// price; another proposal is drawn while the chance that it is kept is worth its two rows at that price, and a draft row is asked
/// while the acceptance it adds, times the chance that the next round gets there, is worth one. Where nothing is, this is
/// sequential decoding.
/// </summary>
/// <remarks>Serves one sequence. Looks at shapes, distributions and how earlier proposals did; see <see cref="IDraftView" />.</remarks>
public sealed class AdaptiveDraftPlan : IDraftPlan
{
    private const int UsualMaximum = 8;

    private readonly AcceptanceEstimates _estimates = new();
    private readonly CallCost _cost;
    private readonly int? _draftLength;
    private readonly double[] _chances;
    private double _price;
    private double _reached;

    /// <summary>A plan for one sequence.</summary>
    /// <param name="cost">What calls cost.</param>
    /// <param name="draftLength">k, if rounds shall have that many proposals whatever they cost; null leaves it to the plan.</param>
    /// <exception cref="ArgumentOutOfRangeException">A cost is negative, or calls are free; or a draft length below 1.</exception>
    public AdaptiveDraftPlan(CallCost cost, int? draftLength = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(cost.Fixed, nameof(cost));
        ArgumentOutOfRangeException.ThrowIfNegative(cost.ContentRow, nameof(cost));
        ArgumentOutOfRangeException.ThrowIfNegative(cost.QueryRow, nameof(cost));
        ArgumentOutOfRangeException.ThrowIfLessThan(draftLength ?? 1, 1, nameof(draftLength));
        _cost = cost;
        _draftLength = draftLength;
        MaximumProposals = draftLength ?? UsualMaximum;
        _chances = new double[UsualMaximum];
    }

    /// <inheritdoc />
    public int MaximumProposals { get; }

    /// <inheritdoc />
    public int MaximumDraftRows => UsualMaximum;

    /// <inheritdoc />
    public int Reach => 2 * UsualMaximum;

    /// <inheritdoc />
    public DraftSource Choose(IDraftView view)
    {
        ArgumentNullException.ThrowIfNull(view);
        if (view.Proposed == 0)
            BeginRound(view);
        DraftSource source = _estimates.Best(view.Target(view.Decided + view.Proposed), out double chance);
        if (_draftLength is null && !IsWorthIt(view))
            return DraftSource.None;
        if (view.Proposed < _chances.Length)
            _chances[view.Proposed] = chance;
        _reached *= chance;
        return source;
    }

    /// <inheritdoc />
    public int AskRows(IDraftView view, Span<Conditional> rows)
    {
        ArgumentNullException.ThrowIfNull(view);
        int count = 0;
        double arrives = 0; // that the next round's proposals get to the rank
        double undecided = 1; // that this round's do
        int last = Math.Min(view.Length - 1, view.Decided + Reach); // the last target is never proposed
        for (int rank = view.Decided; rank < last && count < rows.Length; rank++)
        {
            int distance = rank - view.Decided;
            DraftTarget target = view.Target(rank) with { NgramConfidence = null };
            _estimates.Best(target, out double chance);
            Neighbours sees = view.Sees(rank, view.Decided);
            if (distance > 0 && target.RowSees is null)
            {
                double added = (_estimates.WithRow(sees) - chance) * (1 + chance);
                if (arrives * added > _cost.QueryRow * _price)
                {
                    rows[count++] = new(rank, view.Decided);
                    chance = _estimates.WithRow(sees);
                }
            }

            arrives = arrives * chance + StopsAt(distance, view.Proposed, ref undecided);
        }

        return count;
    }

    /// <inheritdoc />
    public void Learn(DraftSource source, in DraftTarget target, double acceptance) => _estimates.Learn(source, target, acceptance);

    /// <summary>The price of a round from here, in tokens per cost: the most that any number of proposals promises.</summary>
    private void BeginRound(IDraftView view)
    {
        _reached = 1;
        double tokens = 1, reached = 1;
        _price = tokens / _cost.Of(1, 1);
        for (int i = 0; i < UsualMaximum && view.Decided + i < view.Length - 1; i++)
        {
            _estimates.Best(view.Target(view.Decided + i), out double chance);
            reached *= chance;
            tokens += reached;
            _price = Math.Max(_price, tokens / _cost.Of(i + 2, i + 2));
        }
    }

    /// <summary>Whether this proposal, alone or with some more behind it, promises more than its rows cost.</summary>
    private bool IsWorthIt(IDraftView view)
    {
        double gain = 0, reached = _reached;
        for (int i = view.Proposed; i < UsualMaximum && view.Decided + i < view.Length - 1; i++)
        {
            _estimates.Best(view.Target(view.Decided + i), out double chance);
            reached *= chance;
            gain += reached - _price * (_cost.ContentRow + _cost.QueryRow);
            if (gain > 0)
                return true;
        }

        return false;
    }

    /// <summary>The chance that this round decides exactly the ranks up to some distance.</summary>
    private double StopsAt(int distance, int proposed, ref double undecided)
    {
        if (distance > proposed || distance > _chances.Length)
            return 0;
        double kept = distance < Math.Min(proposed, _chances.Length) ? _chances[distance] : 0;
        double stops = undecided * (1 - kept);
        undecided *= kept;
        return stops;
    }
}
