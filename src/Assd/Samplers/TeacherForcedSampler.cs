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
    }

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
            CommitKnown(row);
    }
}
