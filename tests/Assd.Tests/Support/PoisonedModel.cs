namespace AsArm.Assd.Tests;

/// <summary>Answers one sequence with NaN, from a certain call on, and leaves the others alone.</summary>
/// <param name="inner">The model.</param>
/// <param name="victim">The sequence; null for whichever stands second in the first call.</param>
/// <param name="fromCall">The first call that is so answered, from 1.</param>
internal sealed class PoisonedModel(IAnySubsetModel inner, SequenceCall? victim, int fromCall) : IAnySubsetModel
{
    private SequenceCall? _victim = victim;
    private int _calls;

    public int VocabularySize => inner.VocabularySize;

    public int MaximumLength => inner.MaximumLength;

    public void Evaluate(ReadOnlySpan<SequenceCall> calls, CancellationToken cancellation)
    {
        inner.Evaluate(calls, cancellation);
        if (calls.Length > 1)
            _victim ??= calls[1];
        if (++_calls < fromCall)
            return;
        foreach (SequenceCall call in calls)
        {
            if (call == _victim)
                call.Logits.Fill(float.NaN);
        }
    }

    public void Release(SequenceCall sequence) => inner.Release(sequence);
}
