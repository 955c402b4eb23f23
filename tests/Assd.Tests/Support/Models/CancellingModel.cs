using AsArm.Assd.Models;
using AsArm.Assd.Randomness;

namespace AsArm.Assd.Tests.Support.Models;

/// <summary>Another model whose forward passes are cancelled at random, before or after their evaluation.</summary>
internal sealed class CancellingModel(IAnySubsetModel inner, IRandomSource random) : IAnySubsetModel
{
    public int VocabularySize => inner.VocabularySize;

    public int MaxLength => inner.MaxLength;

    public int StateSize => inner.StateSize;

    public void Evaluate(ReadOnlySpan<SequenceState> states, CancellationToken cancellationToken)
    {
        if (random.NextDouble() < 0.05)
            throw new OperationCanceledException();
        inner.Evaluate(states, cancellationToken);
        if (random.NextDouble() < 0.05)
            throw new OperationCanceledException();
    }
}
