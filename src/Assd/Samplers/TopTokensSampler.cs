using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;

namespace AsArm.Assd.Samplers;

/// <summary>
/// Evaluates the distribution of every target given the given tokens alone, in one forward pass, keeps the most probable tokens of each, and
/// commits the first. The targets do not see each other, so the committed tokens are no sample and no joint mode. It draws no random numbers.
/// </summary>
public sealed class TopTokensSampler : Sampler
{
    private readonly int _count;
    private readonly TokenProbability[][] _top;

    /// <summary>Allocates one row of logits for every target.</summary>
    /// <param name="order">The order of the sequence.</param>
    /// <param name="tokens">[order.Length] tokens by position; those of targets are ignored.</param>
    /// <param name="options">Temperature, top-k, top-p and bans; the defaults are the model's own distribution.</param>
    /// <param name="vocabularySize">V of the model.</param>
    /// <param name="count">The maximum number of tokens that are kept for a target, at least 1.</param>
    /// <exception cref="ArgumentException">The tokens do not match the order or the vocabulary.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option or the count is out of its range.</exception>
    public TopTokensSampler(Order order, ReadOnlySpan<int> tokens, SamplingOptions options, int vocabularySize, int count)
        : base(order, tokens, options, vocabularySize, Math.Max(1, order?.TargetCount ?? 0))
    {
        ArgumentNullException.ThrowIfNull(order);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        _count = count;
        _top = new TokenProbability[order.TargetCount][];
    }

    /// <summary>[TargetCount] the most probable tokens of each target by rank, the most probable first; complete once the sampler is done.</summary>
    public IReadOnlyList<IReadOnlyList<TokenProbability>> TopTokens => _top;

    /// <inheritdoc />
    protected override void PrepareCore(IRandomSource random)
    {
        State.BeginForwardPass(State.Order.GivenCount);
        for (int rank = State.Order.GivenCount; rank < State.Order.Length; rank++)
            State.AddQuery(new Conditional(rank, State.Order.GivenCount));
    }

    /// <inheritdoc />
    protected override void ProcessLogitsCore(IRandomSource random)
    {
        for (int row = 0; row < _top.Length; row++)
        {
            _top[row] = TokenProbability.Top(Distribution(row), _count);
            Commit(_top[row][0].Token, row, (float)_top[row][0].Probability);
        }
    }
}
