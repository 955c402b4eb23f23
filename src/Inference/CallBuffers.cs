using AsArm.Assd;

namespace AsArm.Inference;

/// <summary>
/// Memory of the stateless graph's inputs and output, for calls up to a capacity. Sequences of a batch are padded with ranks past
/// every horizon, which nobody sees; missing targets repeat the sequence's first question.
/// </summary>
internal sealed class CallBuffers(CallShape capacity, int vocabularySize)
{
    public CallShape Capacity { get; } = capacity;

    /// <summary>[batch, sequence]</summary>
    public long[] InputIds { get; } = Pinned<long>(capacity.Batch, capacity.Sequence);

    /// <summary>[batch, sequence]</summary>
    public long[] Order { get; } = Pinned<long>(capacity.Batch, capacity.Sequence);

    /// <summary>[batch, sequence]</summary>
    public long[] PromptMask { get; } = Pinned<long>(capacity.Batch, capacity.Sequence);

    /// <summary>[batch, targets]</summary>
    public long[] TargetPositions { get; } = Pinned<long>(capacity.Batch, capacity.Targets);

    /// <summary>[batch, targets]</summary>
    public long[] TargetHorizons { get; } = Pinned<long>(capacity.Batch, capacity.Targets);

    /// <summary>[batch, targets, vocabulary]</summary>
    public float[] Logits { get; } = Pinned<float>(capacity.Batch, capacity.Targets * vocabularySize);

    /// <summary>Whether a call of this shape fits.</summary>
    public bool Hold(CallShape shape) => Capacity.UnionWith(shape) == Capacity;

    /// <summary>Writes the inputs of a batch.</summary>
    public void Write(ReadOnlySpan<SequenceCall> calls, CallShape shape, int maskId)
    {
        for (int i = 0; i < calls.Length; i++)
        {
            WriteSequence(calls[i], i * shape.Sequence, shape.Sequence, maskId);
            WriteTargets(calls[i], i * shape.Targets, shape.Targets);
        }
    }

    private void WriteSequence(SequenceCall call, int start, int length, int maskId)
    {
        ReadOnlySpan<int> ranks = call.Order.Ranks;
        for (int position = 0; position < length; position++)
        {
            int rank = position < ranks.Length ? ranks[position] : position;
            Order[start + position] = rank;
            InputIds[start + position] = rank < call.KnownCount ? call.Tokens[position] : maskId;
            PromptMask[start + position] = rank < call.Order.GivenCount ? 1 : 0;
        }
    }

    private void WriteTargets(SequenceCall call, int start, int length)
    {
        ReadOnlySpan<Conditional> conditionals = call.Conditionals;
        for (int i = 0; i < length; i++)
        {
            Conditional asked = conditionals[i < conditionals.Length ? i : 0];
            TargetPositions[start + i] = call.Order.Positions[asked.Rank];
            TargetHorizons[start + i] = asked.Horizon;
        }
    }

    private static T[] Pinned<T>(int rows, int width) => GC.AllocateUninitializedArray<T>(checked(rows * width), pinned: true);
}
