using AsArm.Assd.Constraints;
using AsArm.Assd.Distributions;
using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;

namespace AsArm.Assd.Samplers;

/// <summary>
/// Generates the targets of one sequence as a state machine: <see cref="Prepare" /> sets up the next forward pass,
/// <see cref="ProcessLogits" /> commits tokens from its logits. It never runs the model, so one loop serves single sequences and batches
/// alike.
/// </summary>
public abstract class Sampler
{
    private const double SmallestMass = 1e-20; // float32 has its full precision down to 1e-38

    private readonly LogitsProcessor _processor;
    private readonly SamplingOptions _options;
    private readonly double[] _modeLogProbabilities; // by row; used in greedy decoding only
    private readonly double[] _logProbabilities; // of the targets, by rank
    private readonly RowMass[] _masses; // by row; used with a constraint only
    private float[] _logits = []; // [V] of the row, as the model returned them; used with a constraint only
    private readonly double[] _rowEntropies = [], _entropies = []; // by row, and of the targets by rank; empty unless they are recorded
    private int _nfe;
    private int _cached;
    private int _contentTokens;
    private int _queryTokens;
    private bool _isPrepared;
    private bool _hasEnded; // the end token is committed
    private double _logProbability;
    private readonly int _endRank;

    /// <summary>Allocates all memory that the sequence needs.</summary>
    /// <param name="order">The order of the sequence.</param>
    /// <param name="tokens">[order.Length] tokens by position; those of targets are ignored.</param>
    /// <param name="options">Temperature, top-k, top-p and bans.</param>
    /// <param name="vocabularySize">V of the model.</param>
    /// <param name="maxQueries">The maximum number of queries in a forward pass.</param>
    /// <param name="stateSize">The length of the state of a query that the sampler reads; 0 for none.</param>
    /// <exception cref="ArgumentException">The tokens do not match the order or the vocabulary.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    protected Sampler(Order order, ReadOnlySpan<int> tokens, SamplingOptions options, int vocabularySize, int maxQueries, int stateSize = 0)
    {
        _processor = new LogitsProcessor(options, vocabularySize);
        _options = options;
        _modeLogProbabilities = new double[options.IsGreedy ? maxQueries : 0];
        _masses = new RowMass[maxQueries];
        State = new SequenceState(order, tokens, vocabularySize, maxQueries, stateSize);
        _logProbabilities = new double[order.TargetCount];
        Committed = order.GivenCount;
        _cached = Committed;
        _endRank = order.Length;
    }

    /// <summary>The input and output of the model; complete after <see cref="Prepare" />.</summary>
    public SequenceState State { get; }

    /// <summary>n, the number of ranks with a final token: given and committed.</summary>
    public int Committed { get; private set; }

    /// <summary>
    /// The rank at which the sampler ends: targets from this rank on are not generated and stay unknown. By default all targets are generated. The
    /// tokens of lower ranks have the same distribution, whatever it is.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than the number of given tokens, or more than the length.</exception>
    public int EndRank
    {
        get => _endRank;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, State.Order.GivenCount);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, State.Order.Length);
            _endRank = value;
        }
    }

    /// <summary>
    /// A token that ends the sequence: once a target is committed with it, all later targets stay unknown. Tokens before it have the same distribution as
    /// without. Null for none.
    /// </summary>
    public int? EndToken { get; init; }

    /// <summary>
    /// Whether <see cref="Entropies" /> are recorded. It takes no forward pass, but each distribution is read once more; nothing that is sampled changes.
    /// </summary>
    public bool RecordsEntropies
    {
        get => _processor.ComputesEntropy;
        init
        {
            _processor.ComputesEntropy = value;
            _rowEntropies = new double[value ? _masses.Length : 0];
            _entropies = new double[value ? _logProbabilities.Length : 0];
        }
    }

    /// <summary>
    /// A constraint on the sequence, for this sampler alone: oracles are restricted to the allowed tokens. Log-probabilities are those before the
    /// restriction. Null for none. Without effect on samplers that have no oracles, such as <see cref="ParallelSampler" />.
    /// </summary>
    public ConstrainedDraw? Constraint { get; init; }

    /// <summary>
    /// Whether every target below <see cref="EndRank" /> is committed, or the <see cref="EndToken" />, or the draw has failed to meet its <see cref="Constraint" />.
    /// </summary>
    public bool IsDone => Committed >= EndRank || _hasEnded || Constraint is { HasFailed: true };

    /// <summary>[Length] tokens by position, final for all ranks below <see cref="Committed" />.</summary>
    public ReadOnlySpan<int> Tokens => State.Tokens;

    /// <summary>
    /// [Committed - GivenCount] natural log-probabilities of the committed targets by rank, each given the tokens of all earlier ranks; with
    /// <see cref="ParallelSampler" /> given those of earlier passes only. Their sum is the one in <see cref="Statistics" />.
    /// </summary>
    public ReadOnlySpan<double> LogProbabilities => _logProbabilities.AsSpan(0, Committed - State.Order.GivenCount);

    /// <summary>
    /// [Committed - GivenCount] entropies in nats of the distributions that the targets were drawn from, by rank, each given the same tokens as the
    /// log-probability, before a <see cref="Constraint" />; in greedy decoding those of temperature 1. Empty unless <see cref="RecordsEntropies" />.
    /// </summary>
    public ReadOnlySpan<double> Entropies => RecordsEntropies ? _entropies.AsSpan(0, Committed - State.Order.GivenCount) : [];

    /// <summary>The statistics so far.</summary>
    public SamplingStatistics Statistics =>
        new(Committed - State.Order.GivenCount, _nfe, Drafted, Accepted, _contentTokens, _queryTokens, _logProbability);

    /// <summary>
    /// Content positions that a model with a key/value cache computed in the last forward pass; in the first one those of the given tokens too.
    /// </summary>
    public int LastContentTokens { get; private set; }

    /// <summary>Draft tokens drawn so far.</summary>
    protected int Drafted { get; set; }

    /// <summary>Draft tokens accepted so far.</summary>
    protected int Accepted
    {
        get;
        set => field = _hasEnded ? field : value; // tokens behind the end are not committed
    }

    /// <summary>The number of targets below <see cref="EndRank" /> that are not committed.</summary>
    protected int Remaining => EndRank - Committed;

    /// <summary>
    /// Sets up <see cref="State" /> for the next forward pass, and draws the draft tokens that it verifies. Called again before
    /// <see cref="ProcessLogits" />, it sets up the same pass without drawing another random number.
    /// </summary>
    /// <param name="random">The random source of the sequence.</param>
    /// <exception cref="InvalidOperationException">Every target is committed.</exception>
    public void Prepare(IRandomSource random)
    {
        ArgumentNullException.ThrowIfNull(random);
        if (IsDone)
            throw new InvalidOperationException("Every target is committed.");
        PrepareCore(random);
        _isPrepared = true;
    }

    /// <summary>Reads the logits of the forward pass and commits tokens, or draws draft tokens from them.</summary>
    /// <exception cref="ModelOutputException">A logit is NaN or infinite.</exception>
    /// <exception cref="InvalidOperationException"><see cref="Prepare" /> was not called since the last call.</exception>
    public void ProcessLogits(IRandomSource random)
    {
        if (!_isPrepared)
            throw new InvalidOperationException("Call Prepare and evaluate the model before ProcessLogits.");
        _isPrepared = false;
        LastContentTokens = State.KnownCount - (_nfe == 0 ? 0 : _cached);
        _nfe++;
        _queryTokens += State.Conditionals.Length;
        _contentTokens += State.KnownCount - _cached;
        int before = Committed;
        ProcessLogitsCore(random);
        // The last committed token was not known to the pass, or replaced a draft token.
        int unchanged = Committed > before ? Committed - 1 : Committed;
        _cached = Math.Min(State.KnownCount, unchanged);
    }

    /// <summary>Begins the forward pass and adds its queries; repeatable until the logits are processed.</summary>
    protected abstract void PrepareCore(IRandomSource random);

    /// <summary>Commits tokens, or draws draft tokens, from the logits.</summary>
    protected abstract void ProcessLogitsCore(IRandomSource random);

    /// <summary>[V] the distribution of a query, computed in place of its logits; to be called once per row.</summary>
    protected Span<float> Distribution(int row)
    {
        Span<float> values = State.Row(row);
        WriteDistribution(row, values);
        return values;
    }

    /// <summary>Writes the distribution [V] of a query, overwriting its logits; to be called once per row.</summary>
    protected void WriteDistribution(int row, Span<float> probabilities)
    {
        Conditional query = State.Conditionals[row];
        TokenSet? banned = _options.BannedAt(State.Order.Positions[query.Rank]);
        bool isConstrained = Constraint is not null && query.Horizon == query.Rank; // a draft may be any distribution
        TokenMask? mask = isConstrained ? Constraint!.AllowedTokens(State, query.Rank) : null;
        if (_options.IsGreedy)
        {
            _modeLogProbabilities[row] = _processor.ToMode(State.Row(row), probabilities, banned, mask);
        }
        else
        {
            if (mask is not null)
                KeepLogits(row);
            _processor.ToProbabilities(State.Row(row), probabilities, banned);
            _masses[row] = isConstrained ? Restrict(query.Rank, mask, banned, probabilities) : RowMass.Whole;
        }

        if (RecordsEntropies)
            _rowEntropies[row] = _processor.Entropy;
    }

    private void KeepLogits(int row)
    {
        if (_logits.Length == 0)
            _logits = new float[State.VocabularySize];
        State.Row(row).CopyTo(_logits);
    }

    /// <summary>Restricts a distribution to what the constraint allows. Where that is next to nothing, float32 probabilities have underflowed: then from the logits.</summary>
    private RowMass Restrict(int rank, TokenMask? mask, TokenSet? banned, Span<float> probabilities)
    {
        double logMass = 0;
        if (mask is not null && mask.Mass(probabilities) < SmallestMass)
            logMass = _processor.ToProbabilitiesOf(mask, _logits, probabilities, banned);
        return Constraint!.Restrict(State, rank, Committed, mask, probabilities, logMass);
    }

    /// <summary>Whether a token is banned at a position.</summary>
    protected bool IsBanned(int token, int position) => _processor.IsBanned(token, _options.BannedAt(position));

    /// <summary>Commits the token of rank <see cref="Committed" />; ignored behind the <see cref="EndToken" />.</summary>
    /// <param name="token">The token.</param>
    /// <param name="row">The row of logits that the distribution of the target was computed from.</param>
    /// <param name="probability">The probability of the token, given the tokens of all earlier ranks.</param>
    protected void Commit(int token, int row, float probability)
    {
        if (_hasEnded)
            return;
        _hasEnded = token == EndToken;
        State.SetToken(Committed, token);
        if (_options.IsGreedy && double.IsNegativeInfinity(_modeLogProbabilities[row]))
            Constraint?.Fail();
        CommitCurrent(row, _options.IsGreedy ? _modeLogProbabilities[row] : Constraint?.Commit(token, probability, _masses[row]) ?? Math.Log(probability));
    }

    /// <summary>Commits the token that the state has for rank <see cref="Committed" />, with its exact log-probability; to be called once per row.</summary>
    /// <param name="row">The row of logits of the target, which are overwritten.</param>
    protected void CommitKnown(int row)
    {
        int position = State.Order.Positions[Committed];
        double logProbability = _processor.LogProbability(State.Row(row), State.Tokens[position], _options.BannedAt(position));
        if (RecordsEntropies)
            _rowEntropies[row] = _processor.Entropy;
        CommitCurrent(row, logProbability);
    }

    /// <summary>Draws the token of rank <see cref="Committed" /> from its conditional, and commits it.</summary>
    /// <param name="row">The row of logits that the distribution was computed from.</param>
    /// <param name="distribution">[V], see <see cref="Distribution" />.</param>
    /// <param name="random">The random source of the sequence.</param>
    protected void CommitSample(int row, ReadOnlySpan<float> distribution, IRandomSource random)
    {
        ArgumentNullException.ThrowIfNull(random);
        int token = Probabilities.Sample(distribution, random.NextDouble());
        Commit(token, row, distribution[token]);
    }

    private void CommitCurrent(int row, double logProbability)
    {
        _logProbabilities[Committed - State.Order.GivenCount] = logProbability;
        if (RecordsEntropies)
            _entropies[Committed - State.Order.GivenCount] = _rowEntropies[row];
        Committed++;
        _logProbability += logProbability;
    }

    /// <summary>k, the number of draft tokens of a speculation step: at least 1, and not more than there are targets.</summary>
    /// <param name="order">The order of the sequence.</param>
    /// <param name="options">May have a draft length.</param>
    /// <param name="defaultLength">The length if the options have none.</param>
    protected static int DraftLength(Order order, SamplingOptions options, int defaultLength = SamplingOptions.DefaultDraftLength)
    {
        ArgumentNullException.ThrowIfNull(order);
        ArgumentNullException.ThrowIfNull(options);
        return Math.Clamp(options.DraftLength ?? defaultLength, 1, Math.Max(1, order.TargetCount));
    }
}
