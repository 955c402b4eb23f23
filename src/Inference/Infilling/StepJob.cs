using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Inference.Gaps;
using AsArm.Inference.Scheduling;

namespace AsArm.Inference.Infilling;

/// <summary>Evaluates sequences in steps: those of a step share forward passes.</summary>
internal sealed class StepJob : ISequenceJob
{
    private readonly IEnumerator<IReadOnlyList<SequenceTask>> _steps;
    private readonly int? _count;
    private int _begun;
    private IReadOnlyList<SequenceTask> _step = [];
    private Sampler?[] _samplers = [];

    /// <param name="steps">The steps; what is done between two of them is done when the next one is asked for.</param>
    /// <param name="count">The number of steps that are not empty, if it is known: then the job ends with the last of them, and not only when a next one is asked for.</param>
    public StepJob(IEnumerable<IReadOnlyList<SequenceTask>> steps, int? count = null)
    {
        (_steps, _count) = (steps.GetEnumerator(), count);
        MoveNext();
    }

    /// <inheritdoc />
    public int SequenceCount => _step.Count;

    /// <inheritdoc />
    public bool HasMore => _step.Count > 0 && _begun != _count;

    /// <inheritdoc />
    public (Sampler Sampler, IRandomSource Random) Start(int index)
    {
        (Sampler sampler, IRandomSource random) = _step[index].Start();
        return (_samplers[index] = sampler, random);
    }

    /// <inheritdoc />
    public void OnForwardPass()
    {
    }

    /// <inheritdoc />
    public void EndSequence(int index)
    {
        _step[index].End(_samplers[index]!);
        _samplers[index] = null;
    }

    /// <inheritdoc />
    public void MoveNext()
    {
        while (_steps.MoveNext())
        {
            (_step, _samplers) = (_steps.Current, new Sampler?[_steps.Current.Count]);
            if (_step.Count == 0)
                continue;
            _begun++;
            return;
        }

        _step = [];
    }
}
