namespace AsArm.Assd;

/// <summary>
/// One call per round does both jobs: it verifies the proposals of ranks n..n+k-1, each at its own horizon, with a bonus row at
/// n+k, and answers draft rows for later rounds. Proposals are drawn one after another, each knowing those before it, from
/// n-grams, from a row of an earlier round, or from their product. Without proposals it is sequential decoding.
/// </summary>
/// <remarks>
/// Exact whatever is drafted: a proposal is tested against the very distribution that it was drawn from, and the plan decides
/// before the draw. Every call decides at least the token of rank n, so NFE never exceeds the number of generated tokens. The
/// last target is never proposed: the bonus row decides it anyway.
/// </remarks>
public sealed partial class FusedSampler : Sampler
{
    /// <summary>What a corpus is taken to be worth where nobody measured it: as much as ten tokens that followed another in the sequence itself.</summary>
    public const double DefaultCorpusWeight = 10;

    private readonly IDraftPlan _plan;
    private readonly NgramDraft _ngrams;
    private readonly DraftRows _rows;
    private readonly Proposals _proposals;
    private readonly RoundView _view;
    private readonly Conditional[] _asked;
    private readonly DraftCounts[] _counts = new DraftCounts[Enum.GetValues<DraftSource>().Length];
    private int _askedCount;
    private int _lawCount;
    private bool _drawn;

    /// <summary>Makes all memory that the sequence will need.</summary>
    /// <param name="order">The order of the sequence.</param>
    /// <param name="tokens">[order.Length] tokens by position; those of targets are ignored.</param>
    /// <param name="options">The law of the tokens.</param>
    /// <param name="vocabularySize">V of the model.</param>
    /// <param name="plan">This sequence's own, such as a new <see cref="AdaptiveDraftPlan" />.</param>
    /// <param name="ngrams">Corpus n-grams; without them the sequence's own bigrams serve.</param>
    /// <param name="verification">How proposals are tested.</param>
    /// <param name="corpusWeight">As many counts of the sequence's own successors the n-grams are worth; positive.</param>
    /// <exception cref="ArgumentException">The tokens or the n-grams do not fit.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A weight that is not positive.</exception>
    public FusedSampler(
        Order order,
        ReadOnlySpan<int> tokens,
        SamplingOptions options,
        int vocabularySize,
        IDraftPlan plan,
        NgramTable? ngrams = null,
        Verification verification = Verification.Block,
        double corpusWeight = DefaultCorpusWeight)
        : base(order, tokens, options, vocabularySize, MostConditionals(order, plan))
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(corpusWeight);
        int mostProposals = MostProposals(order, plan);
        _plan = plan;
        _verification = verification;
        _ngrams = new(ngrams, options, vocabularySize, corpusWeight);
        _rows = new(Math.Min(plan.Reach, order.TargetCount), vocabularySize);
        _proposals = new(mostProposals, _ngrams, vocabularySize);
        _asked = new Conditional[plan.MaximumDraftRows];
        _view = new(this);
        _residual = GC.AllocateUninitializedArray<double>(vocabularySize);
        _kept = new double[mostProposals + 1];
        _stop = new double[mostProposals + 1];
    }

    /// <summary>What became of the proposals of a source.</summary>
    public DraftCounts Counts(DraftSource source) => _counts[(int)source];

    /// <inheritdoc />
    protected override void PlanCall(ICoinSource coins)
    {
        ArgumentNullException.ThrowIfNull(coins);
        if (!_drawn)
        {
            Propose(coins);
            AskRows();
            _drawn = true;
        }

        Call.Begin(Decided + _proposals.Count);
        for (int i = 0; i <= _proposals.Count; i++)
            Call.Ask(new Conditional(Decided + i, Decided + i));
        foreach (Conditional row in _asked.AsSpan(0, _askedCount))
            Call.Ask(row);
    }

    /// <inheritdoc />
    protected override void TakeLogits(ICoinSource coins)
    {
        ArgumentNullException.ThrowIfNull(coins);
        _drawn = false;
        int start = Decided;
        if (_verification == Verification.Block)
            VerifyTogether(coins);
        else
            VerifyEach(coins);
        Learn(Decided - start - 1);
        KeepRows(start);
    }

    private static int MostProposals(Order order, IDraftPlan plan)
    {
        ArgumentNullException.ThrowIfNull(order);
        ArgumentNullException.ThrowIfNull(plan);
        return Math.Clamp(plan.MaximumProposals, 0, Math.Max(0, order.TargetCount - 1));
    }

    private static int MostConditionals(Order order, IDraftPlan plan) => MostProposals(order, plan) + 1 + plan.MaximumDraftRows;

    private void Propose(ICoinSource coins)
    {
        _proposals.Clear();
        while (_proposals.Count < Math.Min(_proposals.Capacity, Remaining - 1))
        {
            int rank = Decided + _proposals.Count;
            _view.LookAt(rank);
            DraftSource source = _plan.Choose(_view);
            if (source == DraftSource.None)
                break;
            if (source != DraftSource.Network)
                _view.MakeNgramDraft();
            DraftTarget target = _view.Target(rank);
            RequireSource(source, target);
            Call.SetToken(rank, Draw(source, target, rank, coins.Toss()));
            Drafted++;
            _counts[(int)source] = Counts(source) with { Drawn = Counts(source).Drawn + 1 };
        }

        _view.LookAt(Decided + _proposals.Count);
    }

    private int Draw(DraftSource source, DraftTarget target, int rank, double coin)
    {
        if (source == DraftSource.Ngram)
            return _proposals.DrawNgram(target, coin);
        _rows.TryGet(rank, out DraftRows.Entry entry);
        return _proposals.DrawRow(source, target, _rows.Row(rank), entry.Rejected, coin);
    }

    private static void RequireSource(DraftSource source, DraftTarget target)
    {
        if (source == DraftSource.Ngram ? target.NgramConfidence is not > 0 : target.RowSees is null)
            throw new InvalidOperationException($"The plan wants a draft from {source}, which there is none of.");
    }

    private void AskRows()
    {
        _askedCount = _asked.Length == 0 ? 0 : _plan.AskRows(_view, _asked);
        foreach (Conditional row in _asked.AsSpan(0, _askedCount))
        {
            if (row.Rank >= Decided + _plan.Reach || row.Horizon >= row.Rank || row.Horizon < Decided)
                throw new InvalidOperationException($"The plan asks a draft row {row} with {Decided} decided.");
        }
    }

    private void Learn(int kept)
    {
        for (int i = 0; i < Math.Min(kept + 1, _proposals.Count); i++)
        {
            ref readonly Proposals.Entry proposal = ref _proposals[i];
            _plan.Learn(proposal.Source, proposal.Target, Math.Min(1, Call.Row(i)[proposal.Token] / proposal.Probability));
            DraftCounts counts = Counts(proposal.Source);
            _counts[(int)proposal.Source] = counts with { Examined = counts.Examined + 1, Kept = counts.Kept + (i < kept ? 1 : 0) };
        }
    }

    /// <summary>Keeps the rows for targets that are not decided: the asked ones whose horizon held, and the tests that were not needed.</summary>
    private void KeepRows(int start)
    {
        int kept = Decided - start - 1;
        for (int i = 0; i < _askedCount; i++)
        {
            Conditional row = _asked[i];
            if (row.Rank >= Decided && row.Horizon < Decided && _rows.Wants(row.Rank, row.Horizon))
                _rows.Keep(row.Rank, row.Horizon, Call.Order.Sees(row.Rank, row.Horizon), -1, Law(_proposals.Count + 1 + i));
        }

        // These have seen the rejected proposal: what it was is past by now, as are the coins that rejected it.
        for (int i = kept + 1; i <= _proposals.Count && i < _plan.Reach; i++)
        {
            int rank = start + i, seen = start + kept;
            if (_rows.Wants(rank, seen))
                _rows.Keep(rank, seen, Call.Order.Sees(rank, seen), RejectedLeftOf(rank, start, kept), i < _lawCount ? Call.Row(i) : Law(i));
        }
    }

    /// <summary>The proposal on the left of a rank, if it was not kept; -1 if something else stands there.</summary>
    private int RejectedLeftOf(int rank, int start, int kept)
    {
        int position = Call.Order.Positions[rank];
        int left = position == 0 ? -1 : Call.Order.Ranks[position - 1] - start;
        return left >= kept && left < rank - start ? _proposals[left].Token : -1;
    }

    /// <summary>What the plan may look at.</summary>
    private sealed class RoundView(FusedSampler sampler) : IDraftView
    {
        private int _next;
        private double? _ngramConfidence;

        public int Decided => sampler.Decided;

        public int Length => sampler.Call.Order.Length;

        public int Proposed => sampler._proposals.Count;

        public bool HasCorpus => sampler._ngrams.HasTable;

        public DraftTarget Target(int rank)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(rank, Decided);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(rank, Length);
            Neighbours known = sampler.Call.Order.Sees(rank, rank);
            double? ngramConfidence = rank == _next ? _ngramConfidence : null;
            return sampler._rows.TryGet(rank, out DraftRows.Entry row)
                ? new(known, ngramConfidence, row.Sees, row.Confidence)
                : new(known, ngramConfidence, null, 0);
        }

        public void MakeNgramDraft() =>
            _ngramConfidence ??= sampler._ngrams.Prepare(sampler.Call, _next, _next) ? sampler._ngrams.Confidence : 0;

        public Neighbours Sees(int rank, int horizon) => sampler.Call.Order.Sees(rank, horizon);

        public void LookAt(int rank) => (_next, _ngramConfidence) = (rank, null);
    }
}
