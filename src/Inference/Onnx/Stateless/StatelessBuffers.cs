using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Inference.Onnx.Sessions;

namespace AsArm.Inference.Onnx.Stateless;

/// <summary>
/// Pinned buffers of the inputs and the output of the stateless graph, with a capacity in elements. Shorter sequences of a batch are padded
/// with ranks past every horizon, which are masked; missing targets repeat the sequence's first query.
/// </summary>
internal sealed class StatelessBuffers
{
    private readonly int _vocabularySize;

    public StatelessBuffers(StatelessShape shape, int vocabularySize)
        : this(shape.Positions, shape.Queries, vocabularySize)
    {
    }

    private StatelessBuffers(int positions, int queries, int vocabularySize)
    {
        _vocabularySize = vocabularySize;
        (InputIds, Order, PromptMask) = (Pinned<long>(positions), Pinned<long>(positions), Pinned<long>(positions));
        (TargetPositions, TargetHorizons) = (Pinned<long>(queries), Pinned<long>(queries));
        Logits = Pinned<float>(checked(queries * vocabularySize));
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

    /// <summary>Size of the logits; the other buffers are small in comparison.</summary>
    public long Bytes => (long)Logits.Length * sizeof(float);

    /// <summary>Whether a run of this shape fits.</summary>
    public bool CanFit(StatelessShape shape) => shape.Positions <= InputIds.Length && shape.Queries <= TargetPositions.Length;

    /// <summary>Larger buffers for all shapes that fit these, and for this one.</summary>
    public StatelessBuffers WithCapacityFor(StatelessShape shape) => new(
        Math.Max(shape.Positions, InputIds.Length), Math.Max(shape.Queries, TargetPositions.Length), _vocabularySize);

    /// <summary>Writes the inputs of a batch.</summary>
    public void Write(ReadOnlySpan<SequenceState> states, StatelessShape shape, int maskId)
    {
        for (int i = 0; i < states.Length; i++)
        {
            WriteSequence(states[i], i * shape.Sequence, shape.Sequence, maskId);
            WriteTargets(states[i], i * shape.Targets, shape.Targets);
        }
    }

    /// <summary>Binds the buffers as tensors of a shape.</summary>
    public BoundTensors Bind(OnnxGraph graph, StatelessShape shape)
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

    private void WriteSequence(SequenceState state, int start, int length, int maskId)
    {
        ReadOnlySpan<int> ranks = state.Order.Ranks;
        for (int position = 0; position < length; position++)
        {
            int rank = position < ranks.Length ? ranks[position] : position;
            Order[start + position] = rank;
            InputIds[start + position] = rank < state.KnownCount ? state.Tokens[position] : maskId;
            PromptMask[start + position] = rank < state.Order.GivenCount ? 1 : 0;
        }
    }

    private void WriteTargets(SequenceState state, int start, int length)
    {
        ReadOnlySpan<Conditional> conditionals = state.Conditionals;
        for (int i = 0; i < length; i++)
        {
            Conditional query = conditionals[i < conditionals.Length ? i : 0];
            TargetPositions[start + i] = state.Order.Positions[query.Rank];
            TargetHorizons[start + i] = query.Horizon;
        }
    }

    private static T[] Pinned<T>(int length) => GC.AllocateUninitializedArray<T>(length, pinned: true);
}
