using AsArm.Assd.Distributions;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;

namespace AsArm.Inference.Gaps;

/// <summary>
/// The evidence that the text after a gap gives of its length: log p(S | P, N), with P the text before the gap and S the text after it. By Chib's identity
/// (1995) it is log p(g, S | P, N) - log p(g | P, S, N) for any filling g. A consistent model gives the same for every filling; a network is averaged over some.
/// </summary>
/// <param name="surroundings">P and S.</param>
/// <param name="lengths">The lengths N.</param>
/// <param name="fillings">Number of fillings of each length; the first is greedy, others are samples with fixed seeds.</param>
internal sealed class LengthEvidence(GapSurroundings surroundings, IReadOnlyList<int> lengths, int fillings)
{
    private readonly int[][] _fillings = new int[lengths.Count * fillings][];

    /// <summary>[lengths * fillings] log p(g | P, S, N), those of a length together.</summary>
    public double[] LogConditionals { get; } = new double[lengths.Count * fillings];

    /// <summary>[lengths * fillings] log p(g, S | P, N), those of a length together.</summary>
    public double[] LogJoints { get; } = new double[lengths.Count * fillings];

    /// <summary>The fillings, those of a length together.</summary>
    public IReadOnlyList<int[]> Fillings => _fillings;

    /// <summary>The steps: the fillings, then their joint densities with the text after the gap.</summary>
    public IEnumerable<IReadOnlyList<SequenceTask>> Steps()
    {
        yield return [.. Enumerable.Range(0, _fillings.Length).Select(Fill)];
        yield return [.. Enumerable.Range(0, _fillings.Length).Select(Evaluate)];
    }

    /// <summary>[lengths] the logarithms of the evidence, the mean over the fillings of a length.</summary>
    public double[] LogEvidence() =>
        [.. Enumerable.Range(0, lengths.Count).Select(i => Enumerable.Range(i * fillings, fillings).Average(at => LogJoints[at] - LogConditionals[at]))];

    private SequenceTask Fill(int index)
    {
        int length = lengths[index / fillings], seed = index % fillings;
        SamplingOptions options = surroundings.Filling with { Temperature = seed == 0 ? 0 : 1 };
        int[] tokens = surroundings.With(Enumerable.Repeat(surroundings.MaskId, length));
        return new(
            () => (new SequentialSampler(surroundings.GapUnknown(length), tokens, options, surroundings.VocabularySize), new SplitMix64(seed)),
            sampler =>
            {
                _fillings[index] = sampler.Tokens.Slice(surroundings.Before.Length, length).ToArray();
                LogConditionals[index] = sampler.Statistics.LogProbability;
            });
    }

    private SequenceTask Evaluate(int index)
    {
        int length = lengths[index / fillings];
        return SequenceTask.LogProbabilities(
            surroundings.AllUnknown(length), surroundings.With(_fillings[index]), new SamplingOptions(), surroundings.VocabularySize,
            length + surroundings.After.Length, logs => LogJoints[index] = logs.Sum());
    }
}
