using AsArm.Assd.Models;
using AsArm.Assd.Ordering;

namespace AsArm.Assd.Distributions;

/// <summary>
/// The joint density of all targets, conditioned on the given tokens, in one forward pass: each target i is queried at horizon i
/// (Guo &amp; Ermon 2025, section 2).
/// </summary>
public static class JointDensity
{
    /// <summary>Natural log-probabilities of the targets, [order.TargetCount] by rank; their sum is the log of the joint density.</summary>
    /// <param name="model">Evaluates the conditionals.</param>
    /// <param name="order">The order; the joint density depends on it as far as the model is inconsistent between orders.</param>
    /// <param name="tokens">[order.Length] all tokens by position.</param>
    /// <param name="options">Temperature, top-k, top-p and bans; the defaults are the model's own distribution.</param>
    /// <param name="cancellationToken">Cancels the forward pass.</param>
    /// <exception cref="ArgumentException">
    /// The tokens do not match the order or the vocabulary, or the sequence is too long for the model.
    /// </exception>
    /// <exception cref="ModelOutputException">A logit is NaN or infinite.</exception>
    public static double[] LogProbabilities(
        IAnySubsetModel model, Order order, ReadOnlySpan<int> tokens, SamplingOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(order);
        if (order.Length > model.MaxLength)
            throw new ArgumentException($"{order.Length} tokens, but the model takes at most {model.MaxLength}.", nameof(tokens));
        if (order.TargetCount == 0)
            return [];
        var processor = new LogitsProcessor(options, model.VocabularySize);
        var state = new SequenceState(order, tokens, model.VocabularySize, order.TargetCount);
        foreach (int position in order.Positions[order.GivenCount..])
            state.SetToken(order.Ranks[position], tokens[position]);
        state.BeginForwardPass(order.Length);
        for (int rank = order.GivenCount; rank < order.Length; rank++)
            state.AddQuery(new Conditional(rank, rank));
        try
        {
            model.Evaluate([state], cancellationToken);
        }
        finally
        {
            model.Release(state);
        }

        var result = new double[order.TargetCount];
        for (int i = 0; i < result.Length; i++)
        {
            int position = order.Positions[order.GivenCount + i];
            result[i] = processor.LogProbability(state.Row(i), tokens[position], options.BannedAt(position));
        }

        return result;
    }
}
