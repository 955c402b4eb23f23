using AsArm.Assd.Distributions;
using AsArm.Assd.Models;
using AsArm.Assd.Ordering;

namespace AsArm.Assd.Tests.Exactness;

/// <summary>Processed conditionals of one task in float64, memoised. Targets are numbered by rank, from 0.</summary>
/// <param name="model">The network.</param>
/// <param name="order">The order.</param>
/// <param name="tokens">[N] tokens by position; only given ones are used.</param>
/// <param name="options">The distribution.</param>
/// <param name="renormalise">False sets banned tokens to 0 after the softmax instead, which is a flaw.</param>
internal sealed class ReferenceConditionals(
    IAnySubsetModel model, Order order, int[] tokens, SamplingOptions options, bool renormalise = true)
{
    private readonly Dictionary<(int Target, int Horizon, int Prefix), double[]> _distributions = [];

    public int VocabularySize => model.VocabularySize;

    public int TargetCount => order.TargetCount;

    /// <summary>[V] the distribution of a target, given the given tokens and the targets below the horizon.</summary>
    public double[] Distribution(int target, int horizon, ReadOnlySpan<int> targets)
    {
        var key = (target, horizon, Outcome.Index(targets[..horizon], VocabularySize));
        if (!_distributions.TryGetValue(key, out double[]? distribution))
            _distributions[key] = distribution = Evaluate(target, horizon, targets);
        return distribution;
    }

    private double[] Evaluate(int target, int horizon, ReadOnlySpan<int> targets)
    {
        int given = order.GivenCount;
        var state = new SequenceState(order, tokens, VocabularySize, 1);
        for (int i = 0; i < horizon; i++)
            state.SetToken(given + i, targets[i]);
        state.BeginForwardPass(given + horizon);
        state.AddQuery(new Conditional(given + target, given + horizon));
        model.Evaluate([state], CancellationToken.None);
        int position = order.Positions[given + target];
        if (renormalise)
            return ReferenceMath.Distribution(state.Row(0), options, position);
        double[] flawed = ReferenceMath.Distribution(state.Row(0), options with { BannedTokens = [] });
        foreach (int token in options.BannedTokens.Concat(ReferenceMath.BannedAt(options, position)))
            flawed[token] = 0;
        return flawed;
    }
}
