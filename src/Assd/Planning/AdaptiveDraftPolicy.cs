using AsArm.Assd.Ordering;

namespace AsArm.Assd.Planning;

/// <summary>
/// A draft policy that maximises expected tokens per cost of forward passes. It estimates the most tokens per cost that the speculation
/// step can reach. Another draft token is drawn while its expected tokens exceed what its content and query position would yield at that
/// rate; a draft query is added while the tokens that its row is expected to add to the next step exceed what a query position would yield.
/// If nothing is profitable, this is sequential decoding.
/// </summary>
/// <remarks>For one sequence. Depends on what <see cref="IDraftView" /> shows and on the acceptance of earlier draft tokens only.</remarks>
public sealed class AdaptiveDraftPolicy : IDraftPolicy
{
    private const int DefaultMaxDraftTokens = 8;
    private const int DefaultMaxDraftQueries = 4;

    /// <summary>
    /// The least estimated gain for which sequences that share passes draft, as a factor on tokens per cost. With drafts, sequences finish
    /// at different times and the batch runs partly empty, which is not in the estimate: where it was 1.03, a CPU gave 0.72 to 1.01.
    /// </summary>
    private const double MinGainInBatch = 1.2;

    private readonly AcceptanceEstimates _estimates;
    private readonly ForwardPassCost _cost;
    private readonly int? _draftLength;
    private readonly double[] _acceptances; // of the draft tokens of this speculation step
    private double _tokensPerCost;
    private double _prefixAcceptance; // of all draft tokens so far together

    /// <summary>A policy for one sequence with forward passes of its own (latency mode).</summary>
    /// <param name="cost">The cost of a forward pass.</param>
    /// <param name="draftLength">k, a fixed number of draft tokens per speculation step; null chooses it by cost.</param>
    /// <param name="acceptance">The expected acceptance of the model; null for <see cref="DraftAcceptance.Neutral" />.</param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// The fixed cost is not positive, another cost is negative, or the draft length is below 1.
    /// </exception>
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
        _acceptances = new double[DefaultMaxDraftTokens];
    }

    /// <inheritdoc />
    public int MaxDraftTokens { get; }

    /// <inheritdoc />
    public int MaxDraftQueries { get; }

    /// <inheritdoc />
    public int Lookahead => DefaultMaxDraftTokens + DefaultMaxDraftQueries;

    /// <summary>
    /// A policy for each of several sequences that share forward passes (throughput mode). A pass has as many positions for every sequence
    /// as for the one with the most, so all sequences draft alike: k draft tokens in every speculation step, possibly 0, and no draft
    /// queries.
    /// </summary>
    /// <param name="cost">The cost of a forward pass for one of the sequences, see <see cref="ForwardPassCost.SharedBy" />.</param>
    /// <param name="draftLength">k; null chooses the most profitable number for the expected acceptance, 0 if none is.</param>
    /// <param name="acceptance">The expected acceptance of the model; null for <see cref="DraftAcceptance.Neutral" />.</param>
    /// <param name="known">The neighbours that are known when most targets are drafted.</param>
    /// <param name="hasCorpus">Whether there are corpus n-grams.</param>
    /// <exception cref="ArgumentOutOfRangeException">As for one sequence.</exception>
    public static IDraftPolicy Uniform(
        ForwardPassCost cost, int? draftLength = null, DraftAcceptance? acceptance = null, Neighbours known = Neighbours.Left, bool hasCorpus = true)
    {
        acceptance ??= DraftAcceptance.Neutral;
        double rate = hasCorpus ? acceptance.Of(DraftSource.Ngram, known, null) : acceptance.OfOwnBigrams(null);
        int length = draftLength ?? BestLength(cost, rate);
        return length == 0 ? new FixedDraftPolicy(DraftSource.Ngram, 0) : new AdaptiveDraftPolicy(cost, length, acceptance, 0);
    }

    /// <inheritdoc />
    public DraftSource ChooseSource(IDraftView view)
    {
        ArgumentNullException.ThrowIfNull(view);
        (_estimates.HasCorpus, _estimates.HasHead) = (view.HasCorpus, view.HasHead);
        if (view.Drafted == 0)
            StartStep(view);
        int rank = view.Committed + view.Drafted;
        DraftTarget target = view.Target(rank);
        if (_draftLength is null && !IsProfitable(view, _estimates.UpperBound(target)))
            return DraftSource.None; // not profitable with any n-gram draft, so it need not be computed
        DraftSource source = _estimates.Best(target, out double acceptance);
        if (source != DraftSource.Network || (target.NetworkNeighbours & Neighbours.Left) == 0)
        {
            view.MakeNgramDraft();
            source = _estimates.Best(view.Target(rank), out acceptance);
        }

        if (_draftLength is null && !IsProfitable(view, acceptance))
            return DraftSource.None;
        if (view.Drafted < _acceptances.Length)
            _acceptances[view.Drafted] = acceptance;
        _prefixAcceptance *= acceptance;
        return source;
    }

    /// <inheritdoc />
    public int AddDraftQueries(IDraftView view, Span<Conditional> queries)
    {
        ArgumentNullException.ThrowIfNull(view);
        int count = 0;
        double reachedNext = 0; // probability that the next speculation step needs a draft for the rank
        double reachedNow = 1; // probability that all draft tokens of this step before the rank are accepted
        int last = Math.Min(view.Length - 1, view.Committed + Lookahead); // the last target is never drafted
        for (int rank = view.Committed; rank < last && count < queries.Length; rank++)
        {
            int distance = rank - view.Committed;
            DraftTarget target = view.Target(rank) with { NgramConfidence = null };
            _estimates.Best(target, out double acceptance);
            // Up to this distance, this step commits the rank or leaves its verification row as a draft.
            if (distance > view.Drafted && target.NetworkNeighbours is null)
            {
                double withRow = _estimates.WithNetworkDraft(target.Known, view.VisibleNeighbours(rank, view.Committed));
                if (reachedNext * (withRow - acceptance) * (1 + acceptance) > _cost.QueryToken * _tokensPerCost)
                {
                    queries[count++] = new(rank, view.Committed);
                    acceptance = withRow;
                }
            }

            reachedNext = reachedNext * acceptance + StopsAt(distance, view.Drafted, ref reachedNow);
        }

        return count;
    }

    /// <inheritdoc />
    public void RecordAcceptance(DraftSource source, in DraftTarget target, double acceptance) => _estimates.Record(source, target, acceptance);

    /// <summary>The draft length with the most expected tokens per cost; 0 if the gain is below <see cref="MinGainInBatch" />.</summary>
    private static int BestLength(ForwardPassCost cost, double acceptance)
    {
        double tokens = 1, reached = 1, without = 1 / cost.Of(1, 1), best = without;
        int length = 0;
        while (length < DefaultMaxDraftTokens)
        {
            reached *= acceptance;
            tokens += reached;
            double tokensPerCost = tokens / cost.Of(length + 2, length + 2);
            if (tokensPerCost <= best)
                break;
            best = tokensPerCost;
            length++;
        }

        return best >= MinGainInBatch * without ? length : 0;
    }

    /// <summary>Begins a speculation step: estimates the most tokens per cost over all numbers of draft tokens.</summary>
    private void StartStep(IDraftView view)
    {
        _prefixAcceptance = 1;
        double tokens = 1, reached = 1;
        _tokensPerCost = tokens / _cost.Of(1, 1);
        for (int i = 0; i < DefaultMaxDraftTokens && view.Committed + i < view.Length - 1; i++)
        {
            _estimates.Best(view.Target(view.Committed + i), out double acceptance);
            reached *= acceptance;
            tokens += reached;
            _tokensPerCost = Math.Max(_tokensPerCost, tokens / _cost.Of(i + 2, i + 2));
        }
    }

    /// <summary>
    /// Whether a draft token with this acceptance, alone or with further ones behind it, is expected to yield more than it costs.
    /// </summary>
    private bool IsProfitable(IDraftView view, double acceptance)
    {
        double gain = 0, reached = _prefixAcceptance;
        for (int i = view.Drafted; i < DefaultMaxDraftTokens && view.Committed + i < view.Length - 1; i++)
        {
            if (i > view.Drafted)
                _estimates.Best(view.Target(view.Committed + i), out acceptance);
            reached *= acceptance;
            gain += reached - _tokensPerCost * (_cost.ContentToken + _cost.QueryToken);
            if (gain > 0)
                return true;
        }

        return false;
    }

    /// <summary>The probability that this speculation step commits exactly the ranks up to this distance.</summary>
    private double StopsAt(int distance, int drafted, ref double reached)
    {
        if (distance > drafted || distance > _acceptances.Length)
            return 0;
        double acceptance = distance < Math.Min(drafted, _acceptances.Length) ? _acceptances[distance] : 0;
        double stops = reached * (1 - acceptance);
        reached *= acceptance;
        return stops;
    }
}
