using AsArm.Assd.Distributions;
using AsArm.Assd.Ngrams;
using AsArm.Assd.Ordering;
using AsArm.Assd.Planning;
using AsArm.Assd.Randomness;

namespace AsArm.Assd.Samplers.Fused;

/// <summary>
/// One call per speculation step does both jobs: it verifies the draft tokens of ranks n..n+k-1, each at its own horizon, with a bonus row at
/// n+k, and answers draft queries for later speculation steps. Draft tokens are drawn one after another, each knowing those before it, from
/// n-grams, from a row of an earlier speculation step, or from their product. Without draft tokens it is sequential decoding.
/// </summary>
/// <remarks>
/// Exact whatever is drafted: a draft token is tested against the very distribution that it was drawn from, and the policy decides
/// before the draw. Every call decides at least the token of rank n, so NFE never exceeds the number of generated tokens. The
/// last target is never drafted: the bonus row decides it anyway.
/// </remarks>
public sealed partial class FusedSampler : Sampler
{
    private readonly IDraftPolicy _policy;
    private readonly NgramDraft _ngrams;
    private readonly NetworkDrafts _networkDrafts;
    private readonly DraftTokens _draftTokens;
    private readonly StepView _view;
    private readonly Conditional[] _draftQueries;
    private readonly DraftCounts[] _counts = new DraftCounts[Enum.GetValues<DraftSource>().Length];
    private int _draftQueryCount;
    private int _distributionCount;
    private bool _isDrafted;

    /// <summary>Makes all memory that the sequence will need.</summary>
    /// <param name="order">The order of the sequence.</param>
    /// <param name="tokens">[order.Length] tokens by position; those of targets are ignored.</param>
    /// <param name="options">The distribution of the tokens.</param>
    /// <param name="vocabularySize">V of the model.</param>
    /// <param name="policy">This sequence's own, such as a new <see cref="AdaptiveDraftPolicy" />.</param>
    /// <param name="ngrams">Corpus n-grams; without them the sequence's own bigrams serve.</param>
    /// <param name="verification">How draft tokens are tested.</param>
    /// <param name="corpusWeight">As many counts of the sequence's own successors the n-grams are worth; positive.</param>
    /// <exception cref="ArgumentException">The tokens or the n-grams do not fit.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A weight that is not positive.</exception>
    public FusedSampler(
        Order order,
        ReadOnlySpan<int> tokens,
        SamplingOptions options,
        int vocabularySize,
        IDraftPolicy policy,
        NgramTable? ngrams = null,
        VerificationMethod verification = VerificationMethod.Block,
        double corpusWeight = NgramTable.DefaultCorpusWeight)
        : base(order, tokens, options, vocabularySize, MaxQueries(order, policy))
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(corpusWeight);
        int maxDraftTokens = MaxDraftTokens(order, policy);
        _policy = policy;
        _verification = verification;
        _ngrams = new(ngrams, options, vocabularySize, corpusWeight);
        _networkDrafts = new(Math.Min(policy.Reach, order.TargetCount), vocabularySize);
        _draftTokens = new(maxDraftTokens, _ngrams, vocabularySize);
        _draftQueries = new Conditional[policy.MaxDraftQueries];
        _view = new(this);
        _residual = GC.AllocateUninitializedArray<double>(vocabularySize);
        _prefix = new double[maxDraftTokens + 1];
        _stopProbability = new double[maxDraftTokens + 1];
    }

    /// <summary>What became of the draft tokens of a source.</summary>
    public DraftCounts Counts(DraftSource source) => _counts[(int)source];

    /// <inheritdoc />
    protected override void PrepareCore(IRandomSource random)
    {
        ArgumentNullException.ThrowIfNull(random);
        if (!_isDrafted)
        {
            DrawDraftTokens(random);
            AddDraftQueries();
            _isDrafted = true;
        }

        State.BeginForwardPass(Committed + _draftTokens.Count);
        for (int i = 0; i <= _draftTokens.Count; i++)
            State.AddQuery(new Conditional(Committed + i, Committed + i));
        foreach (Conditional row in _draftQueries.AsSpan(0, _draftQueryCount))
            State.AddQuery(row);
    }

    /// <inheritdoc />
    protected override void ProcessLogitsCore(IRandomSource random)
    {
        ArgumentNullException.ThrowIfNull(random);
        _isDrafted = false;
        int start = Committed;
        if (_verification == VerificationMethod.Block)
            VerifyBlock(random);
        else
            VerifyTokens(random);
        Learn(Committed - start - 1);
        KeepNetworkDrafts(start);
    }

    private static int MaxDraftTokens(Order order, IDraftPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(order);
        ArgumentNullException.ThrowIfNull(policy);
        return Math.Clamp(policy.MaxDraftTokens, 0, Math.Max(0, order.TargetCount - 1));
    }

    private static int MaxQueries(Order order, IDraftPolicy policy) => MaxDraftTokens(order, policy) + 1 + policy.MaxDraftQueries;

    private void DrawDraftTokens(IRandomSource random)
    {
        _draftTokens.Clear();
        while (_draftTokens.Count < Math.Min(_draftTokens.Capacity, Remaining - 1))
        {
            int rank = Committed + _draftTokens.Count;
            _view.LookAt(rank);
            DraftSource source = _policy.Choose(_view);
            if (source == DraftSource.None)
                break;
            if (source != DraftSource.Network)
                _view.MakeNgramDraft();
            DraftTarget target = _view.Target(rank);
            RequireSource(source, target);
            State.SetToken(rank, Draw(source, target, rank, random.NextDouble()));
            Drafted++;
            _counts[(int)source] = Counts(source) with { Drafted = Counts(source).Drafted + 1 };
        }

        _view.LookAt(Committed + _draftTokens.Count);
    }

    private int Draw(DraftSource source, DraftTarget target, int rank, double uniform)
    {
        if (source == DraftSource.Ngram)
            return _draftTokens.DrawNgram(target, uniform);
        _networkDrafts.TryGet(rank, out NetworkDrafts.Entry entry);
        return _draftTokens.DrawFromNetwork(source, target, _networkDrafts.Row(rank), entry.Rejected, uniform);
    }

    private static void RequireSource(DraftSource source, DraftTarget target)
    {
        if (source == DraftSource.Ngram ? target.NgramConfidence is not > 0 : target.NetworkNeighbours is null)
            throw new InvalidOperationException($"The policy wants a draft from {source}, which there is none of.");
    }

    private void AddDraftQueries()
    {
        _draftQueryCount = _draftQueries.Length == 0 ? 0 : _policy.AddDraftQueries(_view, _draftQueries);
        foreach (Conditional row in _draftQueries.AsSpan(0, _draftQueryCount))
        {
            if (row.Rank >= Committed + _policy.Reach || row.Horizon >= row.Rank || row.Horizon < Committed)
                throw new InvalidOperationException($"The policy asks a draft query {row} with {Committed} decided.");
        }
    }

    private void Learn(int kept)
    {
        for (int i = 0; i < Math.Min(kept + 1, _draftTokens.Count); i++)
        {
            ref readonly DraftTokens.Entry draftToken = ref _draftTokens[i];
            _policy.Learn(draftToken.Source, draftToken.Target, Math.Min(1, State.Row(i)[draftToken.Token] / draftToken.Probability));
            DraftCounts counts = Counts(draftToken.Source);
            _counts[(int)draftToken.Source] = counts with { Verified = counts.Verified + 1, Accepted = counts.Accepted + (i < kept ? 1 : 0) };
        }
    }

    /// <summary>Keeps the rows for targets that are not decided: the asked ones whose horizon held, and the tests that were not needed.</summary>
    private void KeepNetworkDrafts(int start)
    {
        int kept = Committed - start - 1;
        for (int i = 0; i < _draftQueryCount; i++)
        {
            Conditional row = _draftQueries[i];
            if (row.Rank >= Committed && row.Horizon < Committed && _networkDrafts.Wants(row.Rank, row.Horizon))
                _networkDrafts.Keep(row.Rank, row.Horizon, State.Order.VisibleNeighbours(row.Rank, row.Horizon), -1, Distribution(_draftTokens.Count + 1 + i));
        }

        // These have seen the rejected draft token: what it was is past by now, as are the random numbers that rejected it.
        for (int i = kept + 1; i <= _draftTokens.Count && i < _policy.Reach; i++)
        {
            int rank = start + i, seen = start + kept;
            if (_networkDrafts.Wants(rank, seen))
                _networkDrafts.Keep(rank, seen, State.Order.VisibleNeighbours(rank, seen), RejectedLeftOf(rank, start, kept), i < _distributionCount ? State.Row(i) : Distribution(i));
        }
    }

    /// <summary>The draft token on the left of a rank, if it was not kept; -1 if something else stands there.</summary>
    private int RejectedLeftOf(int rank, int start, int kept)
    {
        int position = State.Order.Positions[rank];
        int left = position == 0 ? -1 : State.Order.Ranks[position - 1] - start;
        return left >= kept && left < rank - start ? _draftTokens[left].Token : -1;
    }

    /// <summary>What the policy may look at.</summary>
    private sealed class StepView(FusedSampler sampler) : IDraftView
    {
        private int _next;
        private double? _ngramConfidence;

        public int Committed => sampler.Committed;

        public int Length => sampler.State.Order.Length;

        public int Drafted => sampler._draftTokens.Count;

        public bool HasCorpus => sampler._ngrams.HasTable;

        public DraftTarget Target(int rank)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(rank, Committed);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(rank, Length);
            Neighbours known = sampler.State.Order.VisibleNeighbours(rank, rank);
            double? ngramConfidence = rank == _next ? _ngramConfidence : null;
            return sampler._networkDrafts.TryGet(rank, out NetworkDrafts.Entry row)
                ? new(known, ngramConfidence, row.VisibleNeighbours, row.Confidence)
                : new(known, ngramConfidence, null, 0);
        }

        public void MakeNgramDraft() =>
            _ngramConfidence ??= sampler._ngrams.Prepare(sampler.State, _next, _next) ? sampler._ngrams.Confidence : 0;

        public Neighbours VisibleNeighbours(int rank, int horizon) => sampler.State.Order.VisibleNeighbours(rank, horizon);

        public void LookAt(int rank) => (_next, _ngramConfidence) = (rank, null);
    }
}
