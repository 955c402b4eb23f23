using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;

namespace AsArm.Assd.Samplers;

/// <summary>
/// Commits given tokens instead of sampling them (teacher forcing), all in one forward pass: <see cref="Sampler.LogProbabilities" /> are then
/// those of the joint density, which <see cref="JointDensity" /> returns for a single sequence. It draws no random numbers. With
/// <see cref="Sampler.EndRank" /> it evaluates the first targets only, whatever the tokens of the others are.
/// </summary>
public sealed class TeacherForcedSampler : Sampler
{
    private readonly TokenProbability[][] _top;
    private readonly int _topTokenCount;
    private readonly float[] _distribution = [];

    /// <summary>Allocates one row of logits for every target.</summary>
    /// <param name="order">The order of the sequence.</param>
    /// <param name="tokens">[order.Length] all tokens by position, those of targets included.</param>
    /// <param name="options">Temperature, top-k, top-p and bans; the defaults are the model's own distribution.</param>
    /// <param name="vocabularySize">V of the model.</param>
    /// <exception cref="ArgumentException">The tokens do not match the order or the vocabulary.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public TeacherForcedSampler(Order order, ReadOnlySpan<int> tokens, SamplingOptions options, int vocabularySize)
        : base(order, tokens, options, vocabularySize, Math.Max(1, order?.TargetCount ?? 0))
    {
        ArgumentNullException.ThrowIfNull(order);
        for (int rank = order.GivenCount; rank < order.Length; rank++)
            State.SetToken(rank, tokens[order.Positions[rank]]);
        _top = new TokenProbability[order.TargetCount][];
        Array.Fill(_top, []);
    }

    /// <summary>The maximum number of <see cref="TopTokens" />; 0, the default, for none.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public int TopTokenCount
    {
        get => _topTokenCount;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            _topTokenCount = value;
            _distribution = value > 0 ? new float[State.VocabularySize] : [];
        }
    }

    /// <summary>
    /// [TargetCount] the most probable tokens of the distribution of each target, by rank, the most probable first; empty until the sampler is done, and
    /// without <see cref="TopTokenCount" />.
    /// </summary>
    public IReadOnlyList<IReadOnlyList<TokenProbability>> TopTokens => _top;

    /// <inheritdoc />
    protected override void PrepareCore(IRandomSource random)
    {
        State.BeginForwardPass(EndRank);
        for (int rank = State.Order.GivenCount; rank < EndRank; rank++)
            State.AddQuery(new Conditional(rank, rank));
    }

    /// <inheritdoc />
    protected override void ProcessLogitsCore(IRandomSource random)
    {
        for (int row = 0; row < State.Conditionals.Length; row++)
        {
            int target = Committed - State.Order.GivenCount;
            CommitKnown(row);
            if (TopTokenCount == 0)
                continue;
            Probabilities.Softmax(State.Row(row), _distribution); // of the processed logits, which the log-probability is of
            _top[target] = TokenProbability.Top(_distribution, TopTokenCount);
        }
    }
}
