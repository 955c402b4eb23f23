using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;

namespace AsArm.Assd.Samplers;

/// <summary>
/// Sequential decoding: one token per forward pass, drawn from p(x_sigma(n) | x_sigma(&lt;n)). Its distribution is the one that all exact
/// samplers have.
/// </summary>
public sealed class SequentialSampler(Order order, ReadOnlySpan<int> tokens, SamplingOptions options, int vocabularySize)
    : Sampler(order, tokens, options, vocabularySize, maxQueries: 1)
{
    /// <inheritdoc />
    protected override void PrepareCore(IRandomSource random)
    {
        State.BeginForwardPass(Committed);
        State.AddQuery(new Conditional(Committed, Committed));
    }

    /// <inheritdoc />
    protected override void ProcessLogitsCore(IRandomSource random) => CommitSample(0, Distribution(0), random);
}
