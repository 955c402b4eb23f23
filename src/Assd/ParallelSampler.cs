namespace AsArm.Assd;

/// <summary>
/// Several tokens a call, each drawn as if the others were unknown, without any test: what a masked diffusion model does. NOT
/// exact: the output law is a product of marginals per call. It is here to compare with, and all other samplers avoid it.
/// </summary>
/// <remarks>The statistics' log-probability is that of the law it draws from, not of the model's joint.</remarks>
public sealed class ParallelSampler : Sampler
{
    private readonly int _perCall;

    /// <summary>A sampler that decides <see cref="SamplingOptions.DraftLength" /> tokens a call, or all at once without one.</summary>
    /// <inheritdoc />
    public ParallelSampler(Order order, ReadOnlySpan<int> tokens, SamplingOptions options, int vocabularySize)
        : base(order, tokens, options, vocabularySize, PerCall(order, options)) => _perCall = PerCall(order, options);

    /// <inheritdoc />
    protected override void PlanCall(ICoinSource coins)
    {
        Call.Begin(Decided);
        for (int i = 0; i < Math.Min(_perCall, Remaining); i++)
            Call.Ask(new Conditional(Decided + i, Decided));
    }

    /// <inheritdoc />
    protected override void TakeLogits(ICoinSource coins)
    {
        ArgumentNullException.ThrowIfNull(coins);
        for (int i = 0; i < Call.Conditionals.Length; i++)
        {
            ReadOnlySpan<float> law = Law(i);
            int token = Probabilities.Sample(law, coins.Toss());
            Decide(token, i, law[token]);
        }
    }

    private static int PerCall(Order order, SamplingOptions options)
    {
        ArgumentNullException.ThrowIfNull(order);
        ArgumentNullException.ThrowIfNull(options);
        return Math.Clamp(options.DraftLength ?? int.MaxValue, 1, Math.Max(1, order.TargetCount));
    }
}
