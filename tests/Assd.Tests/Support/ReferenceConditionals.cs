namespace AsArm.Assd.Tests;

/// <summary>Warped conditionals in float64 for one task, remembered; targets are numbered 0.. in the order.</summary>
/// <param name="model">The network.</param>
/// <param name="order">The order.</param>
/// <param name="tokens">[N] tokens by position; the given ones count.</param>
/// <param name="options">The law.</param>
/// <param name="renormalise">False copies the flaw of zeroing banned tokens after the softmax.</param>
internal sealed class ReferenceConditionals(
    IAnySubsetModel model, Order order, int[] tokens, SamplingOptions options, bool renormalise = true)
{
    private readonly Dictionary<(int Target, int Horizon, int Prefix), double[]> _laws = [];

    public int VocabularySize => model.VocabularySize;

    public int TargetCount => order.TargetCount;

    /// <summary>[V] law of a target which sees the given tokens and the targets below the horizon.</summary>
    public double[] Law(int target, int horizon, ReadOnlySpan<int> targets)
    {
        var key = (target, horizon, Outcome.Index(targets[..horizon], VocabularySize));
        if (!_laws.TryGetValue(key, out double[]? law))
            _laws[key] = law = Ask(target, horizon, targets);
        return law;
    }

    private double[] Ask(int target, int horizon, ReadOnlySpan<int> targets)
    {
        int given = order.GivenCount;
        var call = new SequenceCall(order, tokens, VocabularySize, 1);
        for (int i = 0; i < horizon; i++)
            call.SetToken(given + i, targets[i]);
        call.Begin(given + horizon);
        call.Ask(new Conditional(given + target, given + horizon));
        model.Evaluate([call], CancellationToken.None);
        int position = order.Positions[given + target];
        if (renormalise)
            return ReferenceMath.Law(call.Row(0), options, position);
        double[] flawed = ReferenceMath.Law(call.Row(0), options with { BannedTokens = [] });
        foreach (int token in options.BannedTokens.Concat(ReferenceMath.BannedAt(options, position)))
            flawed[token] = 0;
        return flawed;
    }
}
