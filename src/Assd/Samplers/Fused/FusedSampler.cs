using AsArm.Assd.Distributions;
using AsArm.Assd.DraftHeads;
using AsArm.Assd.Ngrams;
using AsArm.Assd.Ordering;
using AsArm.Assd.Planning;
using AsArm.Assd.Randomness;

namespace AsArm.Assd.Samplers.Fused;

/// <summary>
/// Speculative decoding with one forward pass per speculation step: the pass verifies the draft tokens of ranks n..n+k-1, each at its own
/// horizon, evaluates a bonus query at n+k, and evaluates draft queries for later steps. Draft tokens are drawn one after another, each
/// given those before it, from n-grams, from a row of an earlier pass, from their product, or from a row that a draft head corrects. Without draft tokens it is sequential
/// decoding.
/// </summary>
/// <remarks>
/// Exact whatever is drafted: a draft token is verified against the very distribution that it was drawn from, and the draft policy decides
/// before the draw. Every pass commits at least the token of rank n, so NFE never exceeds the number of generated tokens. The last target
/// is never drafted, since the bonus query gives it anyway.
/// </remarks>
public sealed partial class FusedSampler : Sampler
{
    private readonly IDraftPolicy _policy;
    private readonly NgramDraft _ngrams;
    private readonly NetworkDrafts _networkDrafts;
    private readonly DraftTokens _draftTokens;
    private readonly HeadDraft? _head;
    private readonly StepView _view;
    private readonly Conditional[] _draftQueries;
    private readonly DraftCounts[] _counts = new DraftCounts[Enum.GetValues<DraftSource>().Length];
    private int _draftQueryCount;
    private int _distributionCount;
    private bool _isDrafted;

    /// <summary>Allocates all memory that the sequence needs.</summary>
    /// <param name="order">The order of the sequence.</param>
    /// <param name="tokens">[order.Length] tokens by position; those of targets are ignored.</param>
    /// <param name="options">Temperature, top-k, top-p and bans.</param>
    /// <param name="vocabularySize">V of the model.</param>
    /// <param name="policy">The draft policy, not shared with other sequences, such as a new <see cref="AdaptiveDraftPolicy" />.</param>
    /// <param name="ngrams">Corpus n-grams; null drafts from the sequence's own bigrams.</param>
    /// <param name="verification">How draft tokens are verified.</param>
    /// <param name="corpusWeight">
    /// The weight of the corpus against the sequence, in successors of a token counted in the sequence; positive.
    /// </param>
    /// <param name="head">A draft head; the model must return states of its size. Null for none.</param>
    /// <exception cref="ArgumentException">The tokens do not match the order, or the n-grams or the head not the vocabulary.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range, or the weight is not positive.</exception>
    public FusedSampler(
        Order order,
        ReadOnlySpan<int> tokens,
        SamplingOptions options,
        int vocabularySize,
        IDraftPolicy policy,
        NgramTable? ngrams = null,
        VerificationMethod verification = VerificationMethod.Block,
        double corpusWeight = NgramTable.DefaultCorpusWeight,
        DraftHead? head = null)
        : base(order, tokens, options, vocabularySize, MaxQueries(order, policy), StateSizeOf(head, options))
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(corpusWeight);
        if (head is not null && head.VocabularySize != vocabularySize)
            throw new ArgumentException($"The draft head has a vocabulary of {head.VocabularySize} tokens, the model one of {vocabularySize}.", nameof(head));
        int maxDraftTokens = MaxDraftTokens(order, policy);
        _policy = policy;
        _verification = verification;
        _ngrams = new(ngrams, options, vocabularySize, corpusWeight);
        _head = head is null || options.IsGreedy ? null : new(head, 1 / options.Temperature);
        _networkDrafts = new(Math.Min(policy.Lookahead, order.TargetCount), vocabularySize, State.StateSize);
        _draftTokens = new(maxDraftTokens, _ngrams, vocabularySize);
        _draftQueries = new Conditional[policy.MaxDraftQueries];
        _view = new(this);
        _residual = GC.AllocateUninitializedArray<double>(vocabularySize);
        _prefix = new double[maxDraftTokens + 1];
        _stopProbability = new double[maxDraftTokens + 1];
    }

    /// <summary>Counts of the draft tokens of a source.</summary>
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
        foreach (Conditional query in _draftQueries.AsSpan(0, _draftQueryCount))
            State.AddQuery(query);
    }

    /// <inheritdoc />
    protected override void ProcessLogitsCore(IRandomSource random)
    {
        ArgumentNullException.ThrowIfNull(random);
        _isDrafted = false;
        int start = Committed, acceptedBefore = Accepted;
        if (_verification == VerificationMethod.Block)
            VerifyBlock(random);
        else
            VerifyTokens(random);
        int accepted = Accepted - acceptedBefore;
        RecordAcceptance(accepted);
        if (!IsDone)
            StoreNetworkDrafts(start, accepted);
    }

    /// <summary>Greedy decoding has rows of one token, which a head cannot correct.</summary>
    private static int StateSizeOf(DraftHead? head, SamplingOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return head is null || options.IsGreedy ? 0 : head.StateSize;
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
            _view.MoveTo(rank);
            DraftSource source = _policy.ChooseSource(_view);
            if (source == DraftSource.None)
                break;
            if (source is DraftSource.Ngram or DraftSource.Product || (source == DraftSource.Head && _ngrams.HasTable))
                _view.MakeNgramDraft();
            DraftTarget target = _view.Target(rank);
            RequireSource(source, target);
            State.SetToken(rank, Draw(source, target, rank, random.NextDouble()));
            Drafted++;
            _counts[(int)source] = Counts(source) with { Drafted = Counts(source).Drafted + 1 };
        }

        _view.MoveTo(Committed + _draftTokens.Count);
    }

    private int Draw(DraftSource source, DraftTarget target, int rank, double uniform)
    {
        if (source == DraftSource.Ngram)
            return _draftTokens.DrawNgram(target, uniform);
        _networkDrafts.TryGet(rank, out NetworkDrafts.Entry entry);
        if (source == DraftSource.Head)
        {
            int position = State.Order.Positions[rank];
            return _draftTokens.DrawFromHead(
                _head!, _ngrams.HasTable && target.NgramConfidence > 0, target, _networkDrafts.Row(rank), _networkDrafts.QueryState(rank),
                [KnownAt(position - 1, rank), KnownAt(position - 2, rank), entry.Rejected], uniform);
        }

        return _draftTokens.DrawFromNetwork(source, target, _networkDrafts.Row(rank), entry.Rejected, uniform);
    }

    /// <summary>The token at a position, if it is known below a rank; else -1.</summary>
    private int KnownAt(int position, int rank) => position >= 0 && State.Order.Ranks[position] < rank ? State.Tokens[position] : -1;

    private static void RequireSource(DraftSource source, DraftTarget target)
    {
        bool isMissing = source switch
        {
            DraftSource.Ngram => target.NgramConfidence is not > 0,
            DraftSource.Head => !target.HasHead,
            _ => target.NetworkNeighbours is null,
        };
        if (isMissing)
            throw new InvalidOperationException($"The draft policy chose {source}, but the target has no such draft.");
    }

    private void AddDraftQueries()
    {
        _draftQueryCount = _draftQueries.Length == 0 ? 0 : _policy.AddDraftQueries(_view, _draftQueries);
        foreach (Conditional query in _draftQueries.AsSpan(0, _draftQueryCount))
        {
            if (query.Rank >= Committed + _policy.Lookahead || query.Horizon >= query.Rank || query.Horizon < Committed)
                throw new InvalidOperationException($"The draft policy added the query {query}, out of range with {Committed} ranks committed.");
        }
    }

    private void RecordAcceptance(int accepted)
    {
        for (int i = 0; i < Math.Min(accepted + 1, _draftTokens.Count); i++)
        {
            ref readonly DraftTokens.Entry draftToken = ref _draftTokens[i];
            _policy.RecordAcceptance(draftToken.Source, draftToken.Target, Math.Min(1, State.Row(i)[draftToken.Token] / draftToken.Probability));
            DraftCounts counts = Counts(draftToken.Source);
            _counts[(int)draftToken.Source] = counts with { Verified = counts.Verified + 1, Accepted = counts.Accepted + (i < accepted ? 1 : 0) };
        }
    }

    /// <summary>
    /// Stores the rows of uncommitted targets: of draft queries that saw no rejected token, and of verification queries behind a rejection.
    /// </summary>
    private void StoreNetworkDrafts(int start, int accepted)
    {
        for (int i = 0; i < _draftQueryCount; i++)
        {
            Conditional query = _draftQueries[i];
            if (query.Rank >= Committed && query.Horizon < Committed && _networkDrafts.IsImprovement(query.Rank, query.Horizon))
            {
                Neighbours visible = State.Order.VisibleNeighbours(query.Rank, query.Horizon);
                _networkDrafts.Store(query.Rank, query.Horizon, visible, -1, Distribution(_draftTokens.Count + 1 + i), State.StateRow(_draftTokens.Count + 1 + i));
            }
        }

        // These rows have seen the rejected draft token. Drafts from them are exact: p~ may depend on anything known before the draw.
        for (int i = accepted + 1; i <= _draftTokens.Count && i < _policy.Lookahead; i++)
        {
            int rank = start + i, horizon = start + accepted;
            if (_networkDrafts.IsImprovement(rank, horizon))
            {
                ReadOnlySpan<float> row = i < _distributionCount ? State.Row(i) : Distribution(i);
                _networkDrafts.Store(rank, horizon, State.Order.VisibleNeighbours(rank, horizon), RejectedLeftOf(rank, start, accepted), row, State.StateRow(i));
            }
        }
    }

    /// <summary>The left neighbour of a rank if it is a draft token that was not accepted, else -1.</summary>
    private int RejectedLeftOf(int rank, int start, int accepted)
    {
        int position = State.Order.Positions[rank];
        int left = position == 0 ? -1 : State.Order.Ranks[position - 1] - start;
        return left >= accepted && left < rank - start ? _draftTokens[left].Token : -1;
    }

    /// <summary>What the draft policy may depend on.</summary>
    private sealed class StepView(FusedSampler sampler) : IDraftView
    {
        private int _next;
        private double? _ngramConfidence;

        public int Committed => sampler.Committed;

        public int Length => sampler.State.Order.Length;

        public int Drafted => sampler._draftTokens.Count;

        public bool HasCorpus => sampler._ngrams.HasTable;

        public bool HasHead => sampler._head is not null;

        public DraftTarget Target(int rank)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(rank, Committed);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(rank, Length);
            Neighbours known = sampler.State.Order.VisibleNeighbours(rank, rank);
            double? ngramConfidence = rank == _next ? _ngramConfidence : null;
            return sampler._networkDrafts.TryGet(rank, out NetworkDrafts.Entry row)
                ? new(known, ngramConfidence, row.VisibleNeighbours, row.Confidence, HasHead && (known & ~row.VisibleNeighbours & Neighbours.Left) != 0)
                : new(known, ngramConfidence, null, 0);
        }

        public void MakeNgramDraft() =>
            _ngramConfidence ??= sampler._ngrams.Prepare(sampler.State, _next, _next) ? sampler._ngrams.Confidence : 0;

        public Neighbours VisibleNeighbours(int rank, int horizon) => sampler.State.Order.VisibleNeighbours(rank, horizon);

        public void MoveTo(int rank) => (_next, _ngramConfidence) = (rank, null);
    }
}
