using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;

namespace AsArm.Assd.Samplers;

/// <summary>
/// Several tokens a call, each drawn as if the others were unknown, without any test: what a masked diffusion model does. NOT
/// exact: the output distribution is a product of marginals per call. It is here to compare with, and all other samplers avoid it.
/// </summary>
/// <remarks>The statistics' log-probability is that of the distribution it draws from, not of the model's joint.</remarks>
public sealed class ParallelSampler : Sampler
{
    private readonly int _perForwardPass;

    /// <summary>A sampler that decides <see cref="SamplingOptions.DraftLength" /> tokens a call, or all at once without one.</summary>
    /// <inheritdoc />
    public ParallelSampler(Order order, ReadOnlySpan<int> tokens, SamplingOptions options, int vocabularySize)
        : base(order, tokens, options, vocabularySize, DraftLength(order, options, int.MaxValue)) => _perForwardPass = DraftLength(order, options, int.MaxValue);

    /// <inheritdoc />
    protected override void PrepareCore(IRandomSource random)
    {
        State.BeginForwardPass(Committed);
        for (int i = 0; i < Math.Min(_perForwardPass, Remaining); i++)
            State.AddQuery(new Conditional(Committed + i, Committed));
    }

    /// <inheritdoc />
    protected override void ProcessLogitsCore(IRandomSource random)
    {
        ArgumentNullException.ThrowIfNull(random);
        for (int i = 0; i < State.Conditionals.Length; i++)
            CommitSample(i, Distribution(i), random);
    }
}
