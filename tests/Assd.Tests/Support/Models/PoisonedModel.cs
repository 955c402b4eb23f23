using AsArm.Assd.Models;

namespace AsArm.Assd.Tests.Support.Models;

/// <summary>Another model that returns NaN for one sequence, from some forward pass on.</summary>
/// <param name="inner">The model.</param>
/// <param name="isFaulty">Whether it is this sequence.</param>
/// <param name="fromPass">The first forward pass that returns NaN, counted from 1.</param>
internal sealed class PoisonedModel(IAnySubsetModel inner, Func<SequenceState, bool> isFaulty, int fromPass) : IAnySubsetModel
{
    private int _passes;

    public int VocabularySize => inner.VocabularySize;

    public int MaxLength => inner.MaxLength;

    public int StateSize => inner.StateSize;

    public void Evaluate(ReadOnlySpan<SequenceState> states, CancellationToken cancellationToken)
    {
        inner.Evaluate(states, cancellationToken);
        if (++_passes < fromPass)
            return;
        foreach (SequenceState state in states)
        {
            if (isFaulty(state))
                state.Logits.Fill(float.NaN);
        }
    }

    public void Release(SequenceState sequence) => inner.Release(sequence);
}
