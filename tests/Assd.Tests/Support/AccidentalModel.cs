namespace AsArm.Assd.Tests;

/// <summary>Answers as another model does, but now and then it is cancelled, before or after it has answered.</summary>
internal sealed class AccidentalModel(IAnySubsetModel inner, ICoinSource accidents) : IAnySubsetModel
{
    public int VocabularySize => inner.VocabularySize;

    public int MaximumLength => inner.MaximumLength;

    public void Evaluate(ReadOnlySpan<SequenceCall> calls, CancellationToken cancellation)
    {
        if (accidents.Toss() < 0.05)
            throw new OperationCanceledException();
        inner.Evaluate(calls, cancellation);
        if (accidents.Toss() < 0.05)
            throw new OperationCanceledException();
    }
}
