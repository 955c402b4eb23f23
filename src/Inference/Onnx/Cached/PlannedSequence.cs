using AsArm.Assd.Models;

namespace AsArm.Inference.Onnx.Cached;

/// <summary>One sequence of a forward pass as the planner sees it: its cache slot, or null if it runs in scratch memory, and the first rank to encode.</summary>
internal readonly record struct PlannedSequence(SequenceState State, CacheSlot? Slot, int FirstRank)
{
    /// <summary>Number of content positions.</summary>
    public int Content => State.KnownCount - FirstRank;

    /// <summary>Number of query positions.</summary>
    public int Targets => State.Conditionals.Length;

    /// <summary>Whether nothing of it is cached.</summary>
    public bool IsFresh => FirstRank == 0;

    /// <summary>Content and query positions.</summary>
    public int Tokens => Content + Targets;

    /// <summary>[Content] The positions of the ranks to encode.</summary>
    public ReadOnlySpan<int> ContentPositions => State.Order.Positions.Slice(FirstRank, Content);
}
