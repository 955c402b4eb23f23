using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;

namespace AsArm.Assd.Samplers;

/// <summary>
/// Parallel decoding without verification, as in masked diffusion models: several tokens per forward pass, each drawn independently of the
/// others. NOT exact: the distribution is a product of marginals per pass. For comparison with the exact samplers.
/// </summary>
/// <remarks>The log-probability in its statistics is that of this product, not of the model's joint distribution.</remarks>
public sealed class ParallelSampler : Sampler
{
    private readonly int _perForwardPass;

    /// <summary>
    /// Commits <see cref="SamplingOptions.DraftLength" /> tokens per forward pass; if that is null, all tokens in one pass.
    /// </summary>
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
