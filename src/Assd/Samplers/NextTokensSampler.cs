using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;

namespace AsArm.Assd.Samplers;

/// <summary>
/// A step of a search over fillings, in one forward pass: evaluates the first targets with known tokens (teacher forcing), and keeps the most probable tokens
/// of the target after them, of which it commits the first. It ends there and draws no random numbers.
/// </summary>
public sealed class NextTokensSampler : Sampler
{
    private readonly int _count;

    /// <summary>Allocates one row of logits for every target that is evaluated.</summary>
    /// <param name="order">The order of the sequence.</param>
    /// <param name="tokens">[order.Length] tokens by position; those of targets after the known ones are ignored.</param>
    /// <param name="known">The number of targets with known tokens, less than there are targets.</param>
    /// <param name="options">Temperature, top-k, top-p and bans; the defaults are the model's own distribution.</param>
    /// <param name="vocabularySize">V of the model.</param>
    /// <param name="count">The maximum number of tokens that are kept, at least 1.</param>
    /// <exception cref="ArgumentException">The tokens do not match the order or the vocabulary.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option, the number of known tokens or the count is out of its range.</exception>
    public NextTokensSampler(Order order, ReadOnlySpan<int> tokens, int known, SamplingOptions options, int vocabularySize, int count)
        : base(order, tokens, options, vocabularySize, Math.Max(0, known) + 1)
    {
        ArgumentNullException.ThrowIfNull(order);
        ArgumentOutOfRangeException.ThrowIfNegative(known);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(known, order.TargetCount);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        _count = count;
        EndRank = order.GivenCount + known + 1;
        for (int rank = order.GivenCount; rank < EndRank - 1; rank++)
            State.SetToken(rank, tokens[order.Positions[rank]]);
    }

    /// <summary>The most probable tokens of the target after the known ones, the most probable first; complete once the sampler is done.</summary>
    public IReadOnlyList<TokenProbability> NextTokens { get; private set; } = [];

    /// <inheritdoc />
    protected override void PrepareCore(IRandomSource random)
    {
        State.BeginForwardPass(EndRank - 1);
        for (int rank = State.Order.GivenCount; rank < EndRank; rank++)
            State.AddQuery(new Conditional(rank, rank));
    }

    /// <inheritdoc />
    protected override void ProcessLogitsCore(IRandomSource random)
    {
        int last = State.Conditionals.Length - 1;
        for (int row = 0; row < last; row++)
            CommitKnown(row);
        NextTokens = TokenProbability.Top(Distribution(last), _count);
        Commit(NextTokens[0].Token, last, (float)NextTokens[0].Probability);
    }
}
