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
    private const int MostRows = 4;

    /// <summary>
    /// Drafts of sequences that share passes must promise so many times the tokens for their cost. Sequences with drafts finish at different
    /// times and leave places of a batch empty, which no estimate of one sequence knows of; on a CPU that took up to a fifth.
    /// </summary>
    private const double MinGainInBatch = 1.2;

    private readonly AcceptanceEstimates _estimates;
    private readonly CallCost _cost;
    private readonly int? _draftLength;
    private readonly double[] _chances;
    private double _price;
    private double _reached;

    /// <summary>A plan for one sequence.</summary>
    /// <param name="cost">What calls cost.</param>
    /// <param name="draftLength">k, if rounds shall have that many proposals whatever they cost; null leaves it to the plan.</param>
    /// <param name="acceptance">The model's expected acceptance; null for <see cref="DraftAcceptance.Neutral" />.</param>
    /// <exception cref="ArgumentOutOfRangeException">A cost is negative, or calls are free; or a draft length below 1.</exception>
    public AdaptiveDraftPlan(CallCost cost, int? draftLength = null, DraftAcceptance? acceptance = null)
        : this(cost, draftLength, acceptance, MostRows)
    {
    }

    private AdaptiveDraftPlan(CallCost cost, int? draftLength, DraftAcceptance? acceptance, int mostRows)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(cost.Fixed, nameof(cost));
        ArgumentOutOfRangeException.ThrowIfNegative(cost.ContentRow, nameof(cost));
        ArgumentOutOfRangeException.ThrowIfNegative(cost.QueryRow, nameof(cost));
        ArgumentOutOfRangeException.ThrowIfLessThan(draftLength ?? 1, 1, nameof(draftLength));
        _estimates = new(acceptance ?? DraftAcceptance.Neutral);
        _cost = cost;
        _draftLength = draftLength;
        MaximumProposals = draftLength ?? UsualMaximum;
        MaximumDraftRows = mostRows;
        _chances = new double[UsualMaximum];
    }

    /// <inheritdoc />
    public int MaximumProposals { get; }

    /// <inheritdoc />
    public int MaximumDraftRows { get; }

    /// <inheritdoc />
    public int Reach => UsualMaximum + MostRows;

    /// <summary>
    /// A plan for each of several sequences that share their calls. Such a call takes as many rows for every sequence as for the
    /// one with the most, so all of them have the same: k proposals in every round, which may be none, and no draft rows.
    /// </summary>
    /// <param name="cost">What a call costs one of the sequences, see <see cref="CallCost.SharedBy" />.</param>
    /// <param name="draftLength">k; null takes what pays with proposals of the expected acceptance.</param>
    /// <param name="acceptance">The model's expected acceptance; null for <see cref="DraftAcceptance.Neutral" />.</param>
    /// <param name="known">Neighbours that most targets know when their turn comes.</param>
    /// <param name="hasCorpus">Whether n-grams come from a corpus.</param>
    /// <exception cref="ArgumentOutOfRangeException">As for a plan of one sequence.</exception>
    public static IDraftPlan Uniform(
        CallCost cost, int? draftLength = null, DraftAcceptance? acceptance = null, Neighbours known = Neighbours.Left, bool hasCorpus = true)
    {
        acceptance ??= DraftAcceptance.Neutral;
        double chance = hasCorpus ? acceptance.Of(DraftSource.Ngram, known, null) : acceptance.OfOwnBigrams(null);
        int length = draftLength ?? LengthWorth(cost, chance);
        return length == 0 ? new FixedDraftPlan(DraftSource.Ngram, 0) : new AdaptiveDraftPlan(cost, length, acceptance, 0);
    }

    /// <inheritdoc />
    public DraftSource Choose(IDraftView view)
    {
        ArgumentNullException.ThrowIfNull(view);
        _estimates.HasCorpus = view.HasCorpus;
        if (view.Proposed == 0)
            BeginRound(view);
        int rank = view.Decided + view.Proposed;
        DraftTarget target = view.Target(rank);
        if (_draftLength is null && !IsWorthIt(view, _estimates.AtBest(target)))
            return DraftSource.None; // whatever the n-grams say: they need not be asked
        DraftSource source = _estimates.Best(target, out double chance);
        if (source != DraftSource.Network || (target.RowSees & Neighbours.Left) == 0)
        {
            view.MakeNgramDraft();
            source = _estimates.Best(view.Target(rank), out chance);
        }

        if (_draftLength is null && !IsWorthIt(view, chance))
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
            // Up to this distance the round decides the rank, or leaves the row that would have tested it.
            if (distance > view.Proposed && target.RowSees is null)
            {
                double withRow = _estimates.WithRow(view.Sees(rank, view.Decided));
                if (arrives * (withRow - chance) * (1 + chance) > _cost.QueryRow * _price)
                {
                    rows[count++] = new(rank, view.Decided);
                    chance = withRow;
                }
            }

            arrives = arrives * chance + StopsAt(distance, view.Proposed, ref undecided);
        }

        return count;
    }

    /// <inheritdoc />
    public void Learn(DraftSource source, in DraftTarget target, double acceptance) => _estimates.Learn(source, target, acceptance);

    /// <summary>The draft length of most tokens for their cost; 0 unless it promises <see cref="MinGainInBatch" />.</summary>
    private static int LengthWorth(CallCost cost, double chance)
    {
        double tokens = 1, reached = 1, without = 1 / cost.Of(1, 1), best = without;
        int length = 0;
        while (length < UsualMaximum)
        {
            reached *= chance;
            tokens += reached;
            double price = tokens / cost.Of(length + 2, length + 2);
            if (price <= best)
                break;
            best = price;
            length++;
        }

        return best >= MinGainInBatch * without ? length : 0;
    }

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

    /// <summary>Whether a proposal of this chance, alone or with some more behind it, promises more than its rows cost.</summary>
    private bool IsWorthIt(IDraftView view, double chance)
    {
        double gain = 0, reached = _reached;
        for (int i = view.Proposed; i < UsualMaximum && view.Decided + i < view.Length - 1; i++)
        {
            if (i > view.Proposed)
                _estimates.Best(view.Target(view.Decided + i), out chance);
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
