using AsArm.Assd.Models;
using AsArm.Assd.Randomness;

namespace AsArm.Assd.Tests.Support.Models;

/// <summary>Answers as another model does, but now and then it is cancelled, before or after it has answered.</summary>
internal sealed class AccidentalModel(IAnySubsetModel inner, IRandomSource accidents) : IAnySubsetModel
{
    public int VocabularySize => inner.VocabularySize;

    public int MaxLength => inner.MaxLength;

    public void Evaluate(ReadOnlySpan<SequenceState> states, CancellationToken cancellationToken)
    {
        if (accidents.NextDouble() < 0.05)
            throw new OperationCanceledException();
        inner.Evaluate(states, cancellationToken);
        if (accidents.NextDouble() < 0.05)
            throw new OperationCanceledException();
    }
}
