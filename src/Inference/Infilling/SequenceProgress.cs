using AsArm.Assd.Ordering;
using AsArm.Assd.Samplers;

namespace AsArm.Inference.Infilling;

/// <summary>A window after a forward pass.</summary>
/// <param name="Order">The order of its sequence.</param>
/// <param name="Tokens">[Order.Length] tokens by position; those of targets that are not committed are undefined.</param>
/// <param name="LogProbabilities">Log-probabilities of the committed targets, by rank.</param>
/// <param name="Statistics">The statistics of all windows so far.</param>
internal sealed record SequenceProgress(Order Order, int[] Tokens, double[] LogProbabilities, SamplingStatistics Statistics)
{
    /// <summary>Whether the window is filled.</summary>
    public bool IsComplete => LogProbabilities.Length == Order.TargetCount;
}
