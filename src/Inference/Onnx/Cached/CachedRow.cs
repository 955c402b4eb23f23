using AsArm.Assd.Models;

namespace AsArm.Inference.Onnx.Cached;

/// <summary>One sequence of a call: its slot if it has one, and the first rank to encode.</summary>
internal readonly record struct CachedRow(SequenceState State, CacheSlot? Slot, int First)
{
    /// <summary>Content rows.</summary>
    public int Content => State.KnownCount - First;

    /// <summary>Query rows.</summary>
    public int Targets => State.Conditionals.Length;

    /// <summary>Nothing of it is in the cache.</summary>
    public bool IsFresh => First == 0;
}
