using AsArm.Assd.Models;
using AsArm.Assd.Ordering;

namespace AsArm.Assd.Tests.Support.Models;

/// <summary>A model that evaluates one query at a time, and counts forward passes.</summary>
internal abstract class RowModel(int vocabularySize, int maxLength) : IAnySubsetModel
{
    public int VocabularySize { get; } = vocabularySize;

    public int MaxLength { get; } = maxLength;

    public const int NumbersOfAState = 3;

    /// <summary>Numbers that depend on all that a query sees.</summary>
    public int StateSize => NumbersOfAState;

    public int ForwardPassCount { get; private set; }

    public void Evaluate(ReadOnlySpan<SequenceState> states, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ForwardPassCount++;
        foreach (SequenceState state in states)
        {
            for (int i = 0; i < state.Conditionals.Length; i++)
            {
                WriteLogits(state, state.Conditionals[i], state.Row(i));
                if (state.StateSize > 0)
                    WriteState(state, state.Conditionals[i], state.StateRow(i));
            }
        }
    }

    private static void WriteState(SequenceState state, Conditional conditional, Span<float> values)
    {
        double sum = conditional.Rank;
        foreach (int position in state.Order.Positions[..conditional.Horizon])
            sum += (position + 1.7) * (state.Tokens[position] + 1);
        for (int i = 0; i < values.Length; i++)
            values[i] = (float)Math.Cos(sum * (i + 1));
    }

    /// <summary>Writes the logits [V] of p(x_sigma(rank) | x_sigma(&lt;horizon)).</summary>
    public abstract void WriteLogits(SequenceState state, Conditional conditional, Span<float> row);
}
