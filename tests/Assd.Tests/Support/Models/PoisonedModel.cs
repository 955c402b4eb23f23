using AsArm.Assd.Models;

namespace AsArm.Assd.Tests.Support.Models;

/// <summary>Another model that returns NaN for one sequence, from some forward pass on.</summary>
/// <param name="inner">The model.</param>
/// <param name="faulty">The sequence; null for the second one of the first pass with several.</param>
/// <param name="fromPass">The first forward pass that returns NaN, counted from 1.</param>
internal sealed class PoisonedModel(IAnySubsetModel inner, SequenceState? faulty, int fromPass) : IAnySubsetModel
{
    private SequenceState? _faulty = faulty;
    private int _passes;

    public int VocabularySize => inner.VocabularySize;

    public int MaxLength => inner.MaxLength;

    public int StateSize => inner.StateSize;

    public void Evaluate(ReadOnlySpan<SequenceState> states, CancellationToken cancellationToken)
    {
        inner.Evaluate(states, cancellationToken);
        if (states.Length > 1)
            _faulty ??= states[1];
        if (++_passes < fromPass)
            return;
        foreach (SequenceState state in states)
        {
            if (state == _faulty)
                state.Logits.Fill(float.NaN);
        }
    }

    public void Release(SequenceState sequence) => inner.Release(sequence);
}
