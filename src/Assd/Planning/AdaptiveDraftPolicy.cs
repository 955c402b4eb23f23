using AsArm.Assd.Ordering;

namespace AsArm.Assd.Planning;

/// <summary>
/// Drafts what brings the most expected tokens for the cost of its rows. A speculation step that goes on as planned yields tokens at some
/// price; another draft token is drawn while the chance that it is kept is worth its two rows at that price, and a draft query is asked
/// while the acceptance it adds, times the chance that the next speculation step gets there, is worth one. Where nothing is, this is
/// sequential decoding.
/// </summary>
/// <remarks>Serves one sequence. Looks at shapes, distributions and how earlier draft tokens did; see <see cref="IDraftView" />.</remarks>
public sealed class AdaptiveDraftPolicy : IDraftPolicy
{
    private const int DefaultMaxDraftTokens = 8;
    private const int DefaultMaxDraftQueries = 4;

    /// <summary>
    /// Drafts of sequences that share passes must promise so many times the tokens for their cost. Sequences with drafts finish at different
    /// times and leave places of a batch empty, which no estimate of one sequence knows of; on a CPU that took up to a fifth.
    /// </summary>
    private const double MinGainInBatch = 1.2;

    private readonly AcceptanceEstimates _estimates;
    private readonly ForwardPassCost _cost;
    private readonly int? _draftLength;
    private readonly double[] _chances;
    private double _price;
    private double _reached;

    /// <summary>A plan for one sequence.</summary>
    /// <param name="cost">What calls cost.</param>
    /// <param name="draftLength">k, if rounds shall have that many draft tokens whatever they cost; null leaves it to the plan.</param>
    /// <param name="acceptance">The model's expected acceptance; null for <see cref="DraftAcceptance.Neutral" />.</param>
    /// <exception cref="ArgumentOutOfRangeException">A cost is negative, or calls are free; or a draft length below 1.</exception>
    public AdaptiveDraftPolicy(ForwardPassCost cost, int? draftLength = null, DraftAcceptance? acceptance = null)
        : this(cost, draftLength, acceptance, DefaultMaxDraftQueries)
    {
    }

    private AdaptiveDraftPolicy(ForwardPassCost cost, int? draftLength, DraftAcceptance? acceptance, int maxDraftQueries)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(cost.Fixed, nameof(cost));
        ArgumentOutOfRangeException.ThrowIfNegative(cost.ContentToken, nameof(cost));
        ArgumentOutOfRangeException.ThrowIfNegative(cost.QueryToken, nameof(cost));
        ArgumentOutOfRangeException.ThrowIfLessThan(draftLength ?? 1, 1, nameof(draftLength));
        _estimates = new(acceptance ?? DraftAcceptance.Neutral);
        _cost = cost;
        _draftLength = draftLength;
        MaxDraftTokens = draftLength ?? DefaultMaxDraftTokens;
        MaxDraftQueries = maxDraftQueries;
        _chances = new double[DefaultMaxDraftTokens];
    }

    /// <inheritdoc />
    public int MaxDraftTokens { get; }

    /// <inheritdoc />
    public int MaxDraftQueries { get; }

    /// <inheritdoc />
    public int Reach => DefaultMaxDraftTokens + DefaultMaxDraftQueries;

    /// <summary>
    /// A plan for each of several sequences that share their calls. Such a call takes as many rows for every sequence as for the
    /// one with the most, so all of them have the same: k draft tokens in every speculation step, which may be none, and no draft queries.
    /// </summary>
    /// <param name="cost">What a call costs one of the sequences, see <see cref="ForwardPassCost.SharedBy" />.</param>
    /// <param name="draftLength">k; null takes what pays with draft tokens of the expected acceptance.</param>
    /// <param name="acceptance">The model's expected acceptance; null for <see cref="DraftAcceptance.Neutral" />.</param>
    /// <param name="known">Neighbours that most targets know when their turn comes.</param>
    /// <param name="hasCorpus">Whether n-grams come from a corpus.</param>
    /// <exception cref="ArgumentOutOfRangeException">As for a plan of one sequence.</exception>
    public static IDraftPolicy Uniform(
        ForwardPassCost cost, int? draftLength = null, DraftAcceptance? acceptance = null, Neighbours known = Neighbours.Left, bool hasCorpus = true)
    {
        acceptance ??= DraftAcceptance.Neutral;
        double chance = hasCorpus ? acceptance.Of(DraftSource.Ngram, known, null) : acceptance.OfOwnBigrams(null);
        int length = draftLength ?? BestLength(cost, chance);
        return length == 0 ? new FixedDraftPolicy(DraftSource.Ngram, 0) : new AdaptiveDraftPolicy(cost, length, acceptance, 0);
    }

    /// <inheritdoc />
    public DraftSource Choose(IDraftView view)
    {
        ArgumentNullException.ThrowIfNull(view);
        _estimates.HasCorpus = view.HasCorpus;
        if (view.Drafted == 0)
            StartStep(view);
        int rank = view.Committed + view.Drafted;
        DraftTarget target = view.Target(rank);
        if (_draftLength is null && !IsProfitable(view, _estimates.AtBest(target)))
            return DraftSource.None; // whatever the n-grams say: they need not be asked
        DraftSource source = _estimates.Best(target, out double chance);
        if (source != DraftSource.Network || (target.NetworkNeighbours & Neighbours.Left) == 0)
        {
            view.MakeNgramDraft();
            source = _estimates.Best(view.Target(rank), out chance);
        }

        if (_draftLength is null && !IsProfitable(view, chance))
            return DraftSource.None;
        if (view.Drafted < _chances.Length)
            _chances[view.Drafted] = chance;
        _reached *= chance;
        return source;
    }

    /// <inheritdoc />
    public int AddDraftQueries(IDraftView view, Span<Conditional> rows)
    {
        ArgumentNullException.ThrowIfNull(view);
        int count = 0;
        double arrives = 0; // that the next speculation step's draft tokens get to the rank
        double uncommitted = 1; // that this speculation step's do
        int last = Math.Min(view.Length - 1, view.Committed + Reach); // the last target is never drafted
        for (int rank = view.Committed; rank < last && count < rows.Length; rank++)
        {
            int distance = rank - view.Committed;
            DraftTarget target = view.Target(rank) with { NgramConfidence = null };
            _estimates.Best(target, out double chance);
            // Up to this distance the speculation step decides the rank, or leaves the row that would have tested it.
            if (distance > view.Drafted && target.NetworkNeighbours is null)
            {
                double withRow = _estimates.WithNetworkDraft(view.VisibleNeighbours(rank, view.Committed));
                if (arrives * (withRow - chance) * (1 + chance) > _cost.QueryToken * _price)
                {
                    rows[count++] = new(rank, view.Committed);
                    chance = withRow;
                }
            }

            arrives = arrives * chance + StopsAt(distance, view.Drafted, ref uncommitted);
        }

        return count;
    }

    /// <inheritdoc />
    public void Learn(DraftSource source, in DraftTarget target, double acceptance) => _estimates.Learn(source, target, acceptance);

    /// <summary>The draft length of most tokens for their cost; 0 unless it promises <see cref="MinGainInBatch" />.</summary>
    private static int BestLength(ForwardPassCost cost, double chance)
    {
        double tokens = 1, reached = 1, without = 1 / cost.Of(1, 1), best = without;
        int length = 0;
        while (length < DefaultMaxDraftTokens)
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

    /// <summary>The price of a speculation step from here, in tokens per cost: the most that any number of draft tokens promises.</summary>
    private void StartStep(IDraftView view)
    {
        _reached = 1;
        double tokens = 1, reached = 1;
        _price = tokens / _cost.Of(1, 1);
        for (int i = 0; i < DefaultMaxDraftTokens && view.Committed + i < view.Length - 1; i++)
        {
            _estimates.Best(view.Target(view.Committed + i), out double chance);
            reached *= chance;
            tokens += reached;
            _price = Math.Max(_price, tokens / _cost.Of(i + 2, i + 2));
        }
    }

    /// <summary>Whether a draft token of this chance, alone or with some more behind it, promises more than its rows cost.</summary>
    private bool IsProfitable(IDraftView view, double chance)
    {
        double gain = 0, reached = _reached;
        for (int i = view.Drafted; i < DefaultMaxDraftTokens && view.Committed + i < view.Length - 1; i++)
        {
            if (i > view.Drafted)
                _estimates.Best(view.Target(view.Committed + i), out chance);
            reached *= chance;
            gain += reached - _price * (_cost.ContentToken + _cost.QueryToken);
            if (gain > 0)
                return true;
        }

        return false;
    }

    /// <summary>The chance that this speculation step decides exactly the ranks up to some distance.</summary>
    private double StopsAt(int distance, int drafted, ref double uncommitted)
    {
        if (distance > drafted || distance > _chances.Length)
            return 0;
        double kept = distance < Math.Min(drafted, _chances.Length) ? _chances[distance] : 0;
        double stops = uncommitted * (1 - kept);
        uncommitted *= kept;
        return stops;
    }
}
