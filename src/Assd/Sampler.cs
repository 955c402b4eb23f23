namespace AsArm.Assd;

/// <summary>
/// A step machine that decides the targets of one sequence: it plans the next model call, then takes the logits. It never calls
/// the model, so one loop serves a single sequence and a batch whose sequences are in different states.
/// </summary>
public abstract class Sampler
{
    private readonly SamplingLaw _law;
    private readonly SamplingOptions _options;
    private readonly double[] _modeLogProbabilities; // of greedy decoding, by row
    private int _nfe;
    private int _encoded;
    private int _contentRows;
    private int _queryRows;
    private bool _planned;
    private double _logProbability;

    /// <summary>Makes all memory that the sequence will need.</summary>
    /// <param name="order">The order of the sequence.</param>
    /// <param name="tokens">[order.Length] tokens by position; those of targets are ignored.</param>
    /// <param name="options">The law of the tokens.</param>
    /// <param name="vocabularySize">V of the model.</param>
    /// <param name="maximumConditionals">Most questions of one call.</param>
    protected Sampler(Order order, ReadOnlySpan<int> tokens, SamplingOptions options, int vocabularySize, int maximumConditionals)
    {
        _law = new SamplingLaw(options, vocabularySize);
        _options = options;
        _modeLogProbabilities = new double[options.IsGreedy ? maximumConditionals : 0];
        Call = new SequenceCall(order, tokens, vocabularySize, maximumConditionals);
        Decided = order.GivenCount;
        _encoded = Decided;
    }

    /// <summary>The call to hand to the model after <see cref="Plan" />.</summary>
    public SequenceCall Call { get; }

    /// <summary>Ranks below are decided for good.</summary>
    public int Decided { get; private set; }

    /// <summary>True once every target is decided.</summary>
    public bool IsDone => Decided == Call.Order.Length;

    /// <summary>[Length] tokens by position, final for all ranks below <see cref="Decided" />.</summary>
    public ReadOnlySpan<int> Tokens => Call.Tokens;

    /// <summary>Counts so far.</summary>
    public SamplingStatistics Statistics =>
        new(Decided - Call.Order.GivenCount, _nfe, Drafted, Accepted, _contentRows, _queryRows, _logProbability);

    /// <summary>Proposals drawn so far.</summary>
    protected int Drafted { get; set; }

    /// <summary>Proposals kept so far.</summary>
    protected int Accepted { get; set; }

    /// <summary>Targets still to decide.</summary>
    protected int Remaining => Call.Order.Length - Decided;

    /// <summary>
    /// Writes the next call's questions, and draws the proposals that it verifies; not to be called once <see cref="IsDone" />.
    /// Called again before <see cref="Take" />, it plans the same call without another coin.
    /// </summary>
    /// <param name="coins">The sequence's own.</param>
    /// <exception cref="InvalidOperationException">Everything is decided.</exception>
    public void Plan(ICoinSource coins)
    {
        ArgumentNullException.ThrowIfNull(coins);
        if (IsDone)
            throw new InvalidOperationException("Every target is decided.");
        PlanCall(coins);
        _planned = true;
    }

    /// <summary>Reads the logits of the planned call and goes on.</summary>
    /// <exception cref="ModelOutputException">A logit is NaN or infinite.</exception>
    /// <exception cref="InvalidOperationException">No call was planned since the last one was taken.</exception>
    public void Take(ICoinSource coins)
    {
        if (!_planned)
            throw new InvalidOperationException("Plan a call before its logits are taken.");
        _planned = false;
        _nfe++;
        _queryRows += Call.Conditionals.Length;
        _contentRows += Call.KnownCount - _encoded;
        int before = Decided;
        TakeLogits(coins);
        int unchanged = Decided > before ? Decided - 1 : Decided; // the last token decided is new, or took the place of a proposal
        _encoded = Math.Min(Call.KnownCount, unchanged);
    }

    /// <summary>Begins the call and asks; the same again until its logits are taken.</summary>
    protected abstract void PlanCall(ICoinSource coins);

    /// <summary>Turns logits into decided tokens or proposals.</summary>
    protected abstract void TakeLogits(ICoinSource coins);

    /// <summary>[V] the distribution of a conditional of the call, computed in place of its logits; once per row.</summary>
    protected Span<float> Law(int row)
    {
        Span<float> values = Call.Row(row);
        WriteLaw(row, values);
        return values;
    }

    /// <summary>The distribution of a conditional of the call, written to [V] elsewhere; once per row.</summary>
    protected void WriteLaw(int row, Span<float> probabilities)
    {
        TokenSet? banned = _options.BannedAt(Call.Order.Positions[Call.Conditionals[row].Rank]);
        if (_options.IsGreedy)
            _modeLogProbabilities[row] = _law.ToMode(Call.Row(row), probabilities, banned);
        else
            _law.ToProbabilities(Call.Row(row), probabilities, banned);
    }

    /// <summary>Whether a token has probability zero at a position, whatever the model answers.</summary>
    protected bool IsBanned(int token, int position) => _law.IsBanned(token, _options.BannedAt(position));

    /// <summary>Settles the next target.</summary>
    /// <param name="token">Its token.</param>
    /// <param name="row">The row that <see cref="Law" /> or <see cref="WriteLaw" /> last made its distribution from.</param>
    /// <param name="probability">Its probability given all earlier ranks.</param>
    protected void Decide(int token, int row, float probability)
    {
        Call.SetToken(Decided, token);
        Decided++;
        _logProbability += _options.IsGreedy ? _modeLogProbabilities[row] : Math.Log(probability);
    }
}
