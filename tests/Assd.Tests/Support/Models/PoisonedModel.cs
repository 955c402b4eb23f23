using AsArm.Assd.Models;

namespace AsArm.Assd.Tests.Support.Models;

/// <summary>Answers one sequence with NaN, from a certain call on, and leaves the others alone.</summary>
/// <param name="inner">The model.</param>
/// <param name="victim">The sequence; null for whichever stands second in the first call.</param>
/// <param name="fromState">The first call that is so answered, from 1.</param>
internal sealed class PoisonedModel(IAnySubsetModel inner, SequenceState? victim, int fromState) : IAnySubsetModel
{
    private SequenceState? _victim = victim;
    private int _states;

    public int VocabularySize => inner.VocabularySize;

    public int MaxLength => inner.MaxLength;

    public void Evaluate(ReadOnlySpan<SequenceState> states, CancellationToken cancellationToken)
    {
        inner.Evaluate(states, cancellationToken);
        if (states.Length > 1)
            _victim ??= states[1];
        if (++_states < fromState)
            return;
        foreach (SequenceState state in states)
        {
            if (state == _victim)
                state.Logits.Fill(float.NaN);
        }
    }

    public void Release(SequenceState sequence) => inner.Release(sequence);
}
