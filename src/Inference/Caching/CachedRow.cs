using AsArm.Assd;

namespace AsArm.Inference;

/// <summary>One sequence of a call: its slot if it has one, and the first rank to encode.</summary>
internal readonly record struct CachedRow(SequenceCall Call, CacheSlot? Slot, int First)
{
    /// <summary>Content rows.</summary>
    public int Content => Call.KnownCount - First;

    /// <summary>Query rows.</summary>
    public int Targets => Call.Conditionals.Length;

    /// <summary>Nothing of it is in the cache.</summary>
    public bool IsFresh => First == 0;
}
