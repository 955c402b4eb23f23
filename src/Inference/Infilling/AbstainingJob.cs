using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>A request whose result leaves gaps open that are not probable enough.</summary>
/// <param name="job">Fills all gaps.</param>
/// <param name="segments">The text.</param>
/// <param name="minimum">The probability that a filling must have.</param>
internal sealed class AbstainingJob(IInfillJob job, IReadOnlyList<TextSegment> segments, double minimum) : IInfillJob
{
    /// <inheritdoc />
    public int SequenceCount => job.SequenceCount;

    /// <inheritdoc />
    public bool HasMore => job.HasMore;

    /// <inheritdoc />
    public (Sampler Sampler, IRandomSource Random) Start(int index) => job.Start(index);

    /// <inheritdoc />
    public void OnForwardPass() => job.OnForwardPass();

    /// <inheritdoc />
    public void EndSequence(int index) => job.EndSequence(index);

    /// <inheritdoc />
    public void MoveNext() => job.MoveNext();

    /// <inheritdoc />
    public InfillResult Result() => Abstention.Apply(job.Result(), segments, minimum);
}
