using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Inference.Scheduling;

namespace AsArm.Inference.Infilling;

/// <summary>Evaluates a sequence in one forward pass, without random numbers.</summary>
/// <param name="createSampler">Creates its sampler.</param>
/// <param name="end">Takes what is needed of it when it is done.</param>
internal sealed class EvaluationJob(Func<Sampler> createSampler, Action<Sampler> end) : ISequenceJob
{
    private Sampler? _sampler;

    /// <inheritdoc />
    public bool HasMore => false;

    /// <summary>Computes the log-probabilities of given targets.</summary>
    /// <param name="order">The order of the sequence.</param>
    /// <param name="tokens">[order.Length] tokens by position.</param>
    /// <param name="options">Temperature, top-k, top-p and bans.</param>
    /// <param name="vocabularySize">V.</param>
    /// <param name="result">[order.TargetCount] log-probabilities by rank.</param>
    public static EvaluationJob LogProbabilities(Order order, int[] tokens, SamplingOptions options, int vocabularySize, double[] result) => new(
        () => new TeacherForcedSampler(order, tokens, options, vocabularySize), sampler => sampler.LogProbabilities.CopyTo(result));

    /// <inheritdoc />
    public (Sampler Sampler, IRandomSource Random) Start(int index) => (_sampler = createSampler(), new SplitMix64(0));

    /// <inheritdoc />
    public void OnForwardPass()
    {
    }

    /// <inheritdoc />
    public void EndSequence(int index)
    {
        end(_sampler!);
        _sampler = null;
    }

    /// <inheritdoc />
    public void MoveNext() => throw new InvalidOperationException("There is one sequence only.");
}
