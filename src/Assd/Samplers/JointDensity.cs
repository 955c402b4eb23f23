using AsArm.Assd.Distributions;
using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;

namespace AsArm.Assd.Samplers;

/// <summary>
/// The joint density of all targets, conditioned on the given tokens, in one forward pass: each target i is queried at horizon i
/// (Guo &amp; Ermon 2025, section 2). <see cref="TeacherForcedSampler" /> does the same for one sequence of a batch.
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
        var sampler = new TeacherForcedSampler(order, tokens, options, model.VocabularySize);
        using var loop = new SamplingLoop(model, [sampler], [new SplitMix64(0)]);
        loop.Run(cancellationToken);
        return [.. sampler.LogProbabilities];
    }
}
