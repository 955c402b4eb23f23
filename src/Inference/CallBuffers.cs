using AsArm.Assd;

namespace AsArm.Inference;

/// <summary>
/// Memory of the stateless graph's inputs and output, for calls up to a number of elements. Sequences of a batch are padded with
/// ranks past every horizon, which nobody sees; missing targets repeat the sequence's first question.
/// </summary>
internal sealed class CallBuffers
{
    private readonly int _vocabularySize;

    public CallBuffers(CallShape shape, int vocabularySize)
        : this(shape.Positions, shape.Questions, vocabularySize)
    {
    }

    private CallBuffers(int positions, int questions, int vocabularySize)
    {
        _vocabularySize = vocabularySize;
        (InputIds, Order, PromptMask) = (Pinned<long>(positions), Pinned<long>(positions), Pinned<long>(positions));
        (TargetPositions, TargetHorizons) = (Pinned<long>(questions), Pinned<long>(questions));
        Logits = Pinned<float>(checked(questions * vocabularySize));
    }

    /// <summary>[batch, sequence]</summary>
    public long[] InputIds { get; }

    /// <summary>[batch, sequence]</summary>
    public long[] Order { get; }

    /// <summary>[batch, sequence]</summary>
    public long[] PromptMask { get; }

    /// <summary>[batch, targets]</summary>
    public long[] TargetPositions { get; }

    /// <summary>[batch, targets]</summary>
    public long[] TargetHorizons { get; }

    /// <summary>[batch, targets, vocabulary]</summary>
    public float[] Logits { get; }

    /// <summary>Memory of all of them, but for what is small beside it.</summary>
    public long Bytes => (long)Logits.Length * sizeof(float);

    /// <summary>Whether a call of this shape fits.</summary>
    public bool Hold(CallShape shape) => shape.Positions <= InputIds.Length && shape.Questions <= TargetPositions.Length;

    /// <summary>Larger buffers that hold what these do, and this shape.</summary>
    public CallBuffers GrownFor(CallShape shape) => new(
        Math.Max(shape.Positions, InputIds.Length), Math.Max(shape.Questions, TargetPositions.Length), _vocabularySize);

    /// <summary>Writes the inputs of a batch.</summary>
    public void Write(ReadOnlySpan<SequenceCall> calls, CallShape shape, int maskId)
    {
        for (int i = 0; i < calls.Length; i++)
        {
            WriteSequence(calls[i], i * shape.Sequence, shape.Sequence, maskId);
            WriteTargets(calls[i], i * shape.Targets, shape.Targets);
        }
    }

    /// <summary>Tensors of a shape over these buffers.</summary>
    public BoundTensors Bind(OnnxGraph graph, CallShape shape)
    {
        ReadOnlySpan<int> sequences = [shape.Batch, shape.Sequence], targets = [shape.Batch, shape.Targets];
        return new(
            graph,
            [
                BoundTensors.Over(InputIds, sequences), BoundTensors.Over(Order, sequences), BoundTensors.Over(PromptMask, sequences),
                BoundTensors.Over(TargetPositions, targets), BoundTensors.Over(TargetHorizons, targets),
            ],
            [BoundTensors.Over(Logits, [shape.Batch, shape.Targets, _vocabularySize])]);
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

    private static T[] Pinned<T>(int length) => GC.AllocateUninitializedArray<T>(length, pinned: true);
}
