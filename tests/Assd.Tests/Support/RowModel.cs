namespace AsArm.Assd.Tests;

/// <summary>A model that answers one conditional at a time; counts its calls.</summary>
internal abstract class RowModel(int vocabularySize, int maximumLength) : IAnySubsetModel
{
    public int VocabularySize { get; } = vocabularySize;

    public int MaximumLength { get; } = maximumLength;

    public int CallCount { get; private set; }

    public void Evaluate(ReadOnlySpan<SequenceCall> calls, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        CallCount++;
        foreach (SequenceCall call in calls)
        {
            for (int i = 0; i < call.Conditionals.Length; i++)
                Answer(call, call.Conditionals[i], call.Row(i));
        }
    }

    /// <summary>Writes the logits [V] of p(x_sigma(rank) | x_sigma(&lt;horizon)).</summary>
    public abstract void Answer(SequenceCall call, Conditional conditional, Span<float> row);
}
