namespace AsArm.Assd;

/// <summary>One token per model call, each from p(x_sigma(n) | x_sigma(&lt;n)): the law that all exact samplers share.</summary>
public sealed class SequentialSampler(Order order, ReadOnlySpan<int> tokens, SamplingOptions options, int vocabularySize)
    : Sampler(order, tokens, options, vocabularySize, maximumConditionals: 1)
{
    /// <inheritdoc />
    protected override void PlanCall(ICoinSource coins)
    {
        Call.Begin(Decided);
        Call.Ask(new Conditional(Decided, Decided));
    }

    /// <inheritdoc />
    protected override void TakeLogits(ICoinSource coins)
    {
        ArgumentNullException.ThrowIfNull(coins);
        ReadOnlySpan<float> law = Law(0);
        int token = Probabilities.Sample(law, coins.Toss());
        Decide(token, 0, law[token]);
    }
}
