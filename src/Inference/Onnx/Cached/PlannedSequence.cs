using AsArm.Assd.Models;

namespace AsArm.Inference.Onnx.Cached;

/// <summary>One sequence of a forward pass as the planner sees it: its cache slot, if it has one, and the first rank to encode.</summary>
internal readonly record struct PlannedSequence(SequenceState State, CacheSlot? Slot, int FirstRank)
{
    /// <summary>Number of content positions.</summary>
    public int Content => State.KnownCount - FirstRank;

    /// <summary>Number of query positions.</summary>
    public int Targets => State.Conditionals.Length;

    /// <summary>Whether nothing of it is read from the cache.</summary>
    public bool IsFresh => FirstRank == 0;
}
