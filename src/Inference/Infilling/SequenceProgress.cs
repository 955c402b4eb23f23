using AsArm.Assd.Ordering;
using AsArm.Assd.Samplers;

namespace AsArm.Inference.Infilling;

/// <summary>What a forward pass has committed of a window.</summary>
/// <param name="Order">The order of its sequence.</param>
/// <param name="Tokens">The tokens that were committed, by rank.</param>
/// <param name="LogProbabilities">Their log-probabilities.</param>
/// <param name="IsComplete">Whether the window is filled.</param>
/// <param name="Statistics">The statistics of all windows so far.</param>
internal sealed record SequenceProgress(Order Order, int[] Tokens, double[] LogProbabilities, bool IsComplete, SamplingStatistics Statistics)
{
    /// <summary>What a sampler has committed since a number of its targets were.</summary>
    public static SequenceProgress Since(Sampler sampler, int reported, SamplingStatistics statistics)
    {
        Order order = sampler.State.Order;
        int[] tokens = new int[sampler.LogProbabilities.Length - reported];
        for (int i = 0; i < tokens.Length; i++)
            tokens[i] = sampler.Tokens[order.Positions[order.GivenCount + reported + i]];
        return new SequenceProgress(order, tokens, [.. sampler.LogProbabilities[reported..]], sampler.IsDone, statistics);
    }
}
