using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;

namespace AsArm.Inference.Gaps;

/// <summary>A sequence that is to be evaluated or filled. Several independent ones make a step, whose sequences share forward passes.</summary>
/// <param name="Start">Creates its sampler.</param>
/// <param name="End">Takes what is needed of the sampler when it is done.</param>
internal sealed record SequenceTask(Func<(Sampler Sampler, IRandomSource Random)> Start, Action<Sampler> End)
{
    /// <summary>Computes the log-probabilities of the first targets of a sequence, in one forward pass.</summary>
    /// <param name="order">The order of the sequence.</param>
    /// <param name="tokens">[order.Length] tokens by position.</param>
    /// <param name="options">Temperature, top-k, top-p and bans.</param>
    /// <param name="vocabularySize">V.</param>
    /// <param name="count">Number of targets to evaluate; those after them stay unknown.</param>
    /// <param name="end">Takes the [count] log-probabilities, by rank.</param>
    public static SequenceTask LogProbabilities(Order order, int[] tokens, SamplingOptions options, int vocabularySize, int count, Action<double[]> end) => new(
        () => (new TeacherForcedSampler(order, tokens, options, vocabularySize) { EndRank = order.GivenCount + count }, new SplitMix64(0)),
        sampler => end(sampler.LogProbabilities.ToArray()));
}
