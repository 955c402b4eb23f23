using AsArm.Assd.Distributions;
using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;

namespace AsArm.Assd.Samplers;

/// <summary>
/// A step machine that decides the targets of one sequence: it plans the next forward pass, then takes the logits. It never calls
/// the model, so one loop serves a single sequence and a batch whose sequences are in different states.
/// </summary>
public abstract class Sampler
{
    private readonly LogitsProcessor _processor;
    private readonly SamplingOptions _options;
    private readonly double[] _modeLogProbabilities; // of greedy decoding, by row
    private int _nfe;
    private int _encoded;
    private int _contentTokens;
    private int _queryTokens;
    private bool _isPrepared;
    private double _logProbability;

    /// <summary>Makes all memory that the sequence will need.</summary>
    /// <param name="order">The order of the sequence.</param>
    /// <param name="tokens">[order.Length] tokens by position; those of targets are ignored.</param>
    /// <param name="options">The distribution of the tokens.</param>
    /// <param name="vocabularySize">V of the model.</param>
    /// <param name="maxQueries">Most queries of one call.</param>
    protected Sampler(Order order, ReadOnlySpan<int> tokens, SamplingOptions options, int vocabularySize, int maxQueries)
    {
        _processor = new LogitsProcessor(options, vocabularySize);
        _options = options;
        _modeLogProbabilities = new double[options.IsGreedy ? maxQueries : 0];
        State = new SequenceState(order, tokens, vocabularySize, maxQueries);
        Committed = order.GivenCount;
        _encoded = Committed;
    }

    /// <summary>The call to hand to the model after <see cref="Prepare" />.</summary>
    public SequenceState State { get; }

    /// <summary>Ranks below are decided for good.</summary>
    public int Committed { get; private set; }

    /// <summary>True once every target is decided.</summary>
    public bool IsDone => Committed == State.Order.Length;

    /// <summary>[Length] tokens by position, final for all ranks below <see cref="Committed" />.</summary>
    public ReadOnlySpan<int> Tokens => State.Tokens;

    /// <summary>Counts so far.</summary>
    public SamplingStatistics Statistics =>
        new(Committed - State.Order.GivenCount, _nfe, Drafted, Accepted, _contentTokens, _queryTokens, _logProbability);

    /// <summary>Draft tokens drawn so far.</summary>
    protected int Drafted { get; set; }

    /// <summary>Draft tokens kept so far.</summary>
    protected int Accepted { get; set; }

    /// <summary>Targets still to decide.</summary>
    protected int Remaining => State.Order.Length - Committed;

    /// <summary>
    /// Writes the next call's queries, and draws the draft tokens that it verifies; not to be called once <see cref="IsDone" />.
    /// Called again before <see cref="ProcessLogits" />, it plans the same call without another random number.
    /// </summary>
    /// <param name="random">The sequence's own.</param>
    /// <exception cref="InvalidOperationException">Everything is decided.</exception>
    public void Prepare(IRandomSource random)
    {
        ArgumentNullException.ThrowIfNull(random);
        if (IsDone)
            throw new InvalidOperationException("Every target is decided.");
        PrepareCore(random);
        _isPrepared = true;
    }

    /// <summary>Reads the logits of the planned call and goes on.</summary>
    /// <exception cref="ModelOutputException">A logit is NaN or infinite.</exception>
    /// <exception cref="InvalidOperationException">No call was planned since the last one was taken.</exception>
    public void ProcessLogits(IRandomSource random)
    {
        if (!_isPrepared)
            throw new InvalidOperationException("Plan a call before its logits are taken.");
        _isPrepared = false;
        _nfe++;
        _queryTokens += State.Conditionals.Length;
        _contentTokens += State.KnownCount - _encoded;
        int before = Committed;
        ProcessLogitsCore(random);
        int unchanged = Committed > before ? Committed - 1 : Committed; // the last token decided is new, or took the place of a draft token
        _encoded = Math.Min(State.KnownCount, unchanged);
    }

    /// <summary>Begins the call and asks; the same again until its logits are taken.</summary>
    protected abstract void PrepareCore(IRandomSource random);

    /// <summary>Turns logits into decided tokens or draft tokens.</summary>
    protected abstract void ProcessLogitsCore(IRandomSource random);

    /// <summary>[V] the distribution of a conditional of the call, computed in place of its logits; once per row.</summary>
    protected Span<float> Distribution(int row)
    {
        Span<float> values = State.Row(row);
        WriteDistribution(row, values);
        return values;
    }

    /// <summary>The distribution of a conditional of the call, written to [V] elsewhere; once per row.</summary>
    protected void WriteDistribution(int row, Span<float> probabilities)
    {
        TokenSet? banned = _options.BannedAt(State.Order.Positions[State.Conditionals[row].Rank]);
        if (_options.IsGreedy)
            _modeLogProbabilities[row] = _processor.ToMode(State.Row(row), probabilities, banned);
        else
            _processor.ToProbabilities(State.Row(row), probabilities, banned);
    }

    /// <summary>Whether a token has probability zero at a position, whatever the model answers.</summary>
    protected bool IsBanned(int token, int position) => _processor.IsBanned(token, _options.BannedAt(position));

    /// <summary>Settles the next target.</summary>
    /// <param name="token">Its token.</param>
    /// <param name="row">The row that <see cref="Distribution" /> or <see cref="WriteDistribution" /> last made its distribution from.</param>
    /// <param name="probability">Its probability given all earlier ranks.</param>
    protected void Commit(int token, int row, float probability)
    {
        State.SetToken(Committed, token);
        Committed++;
        _logProbability += _options.IsGreedy ? _modeLogProbabilities[row] : Math.Log(probability);
    }

    /// <summary>Draws the next target from its own conditional, and commits it.</summary>
    /// <param name="row">The row that the distribution was made from.</param>
    /// <param name="distribution">[V], see <see cref="Distribution" />.</param>
    /// <param name="random">The sequence's own.</param>
    protected void CommitSample(int row, ReadOnlySpan<float> distribution, IRandomSource random)
    {
        ArgumentNullException.ThrowIfNull(random);
        int token = Probabilities.Sample(distribution, random.NextDouble());
        Commit(token, row, distribution[token]);
    }

    /// <summary>Tokens drafted in a speculation step, at least 1 and no more than there are targets.</summary>
    /// <param name="order">The order of the sequence.</param>
    /// <param name="options">With or without a draft length.</param>
    /// <param name="defaultLength">The length without one.</param>
    protected static int DraftLength(Order order, SamplingOptions options, int defaultLength = SamplingOptions.DefaultDraftLength)
    {
        ArgumentNullException.ThrowIfNull(order);
        ArgumentNullException.ThrowIfNull(options);
        return Math.Clamp(options.DraftLength ?? defaultLength, 1, Math.Max(1, order.TargetCount));
    }
}
