using AsArm.Assd.Models;
using AsArm.Assd.Ordering;

namespace AsArm.Assd.Tests.Support.Models;

/// <summary>A model that evaluates one query at a time, and counts forward passes.</summary>
internal abstract class RowModel(int vocabularySize, int maxLength) : IAnySubsetModel
{
    public int VocabularySize { get; } = vocabularySize;

    public int MaxLength { get; } = maxLength;

    public int ForwardPassCount { get; private set; }

    public void Evaluate(ReadOnlySpan<SequenceState> states, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ForwardPassCount++;
        foreach (SequenceState state in states)
        {
            for (int i = 0; i < state.Conditionals.Length; i++)
                WriteLogits(state, state.Conditionals[i], state.Row(i));
        }
    }

    /// <summary>Writes the logits [V] of p(x_sigma(rank) | x_sigma(&lt;horizon)).</summary>
    public abstract void WriteLogits(SequenceState state, Conditional conditional, Span<float> row);
}
