using AsArm.Assd.Models;

namespace AsArm.Inference.Onnx.Cached;

/// <summary>The cache slot of one sequence. It holds the keys and values of the ranks below <see cref="CachedCount" />, and knows of which tokens.</summary>
internal sealed class CacheSlot(SequenceState owner, int index)
{
    private readonly int[] _tokens = new int[owner.Order.Length]; // by rank

    /// <summary>The sequence that owns the slot.</summary>
    public SequenceState Owner { get; } = owner;

    /// <summary>Index in the cache; changes when slots are compacted.</summary>
    public int Index { get; set; } = index;

    /// <summary>Number of the last forward pass with the sequence.</summary>
    public long LastUse { get; set; }

    /// <summary>Number of leading ranks whose keys and values are in the cache.</summary>
    public int CachedCount { get; private set; }

    /// <summary>
    /// The first rank that has to be encoded. A cached rank is valid only if its token and the tokens of all earlier ranks are those that were
    /// encoded. Given tokens, which see each other and never change, are cached all or none. At least one rank is encoded, as the graph needs a
    /// content position.
    /// </summary>
    /// <remarks>The last given token alone may have to be encoded again. It sees the others, whose keys and values do not depend on its own in the cache.</remarks>
    public int FirstUncached()
    {
        ReadOnlySpan<int> positions = Owner.Order.Positions, tokens = Owner.Tokens;
        int limit = Math.Min(CachedCount, Owner.KnownCount), rank = 0;
        while (rank < limit && _tokens[rank] == tokens[positions[rank]])
            rank++;
        return Math.Min(rank, Owner.KnownCount - 1);
    }

    /// <summary>Records that the keys and values from a rank on are not valid, as a run that may fail is going to overwrite them.</summary>
    public void Forget(int first) => CachedCount = Math.Min(CachedCount, first);

    /// <summary>Records that the keys and values of the ranks from <paramref name="first" /> to the last known one are in the cache.</summary>
    public void MarkCached(int first)
    {
        ReadOnlySpan<int> positions = Owner.Order.Positions, tokens = Owner.Tokens;
        for (int rank = first; rank < Owner.KnownCount; rank++)
            _tokens[rank] = tokens[positions[rank]];
        CachedCount = Owner.KnownCount;
    }
}
