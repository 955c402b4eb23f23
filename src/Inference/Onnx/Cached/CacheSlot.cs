using AsArm.Assd.Models;

namespace AsArm.Inference.Onnx.Cached;

/// <summary>What the cache holds for one sequence: for the ranks below <see cref="Encoded" /> the keys and values of its tokens.</summary>
internal sealed class CacheSlot(SequenceState owner, int index)
{
    private readonly int[] _tokens = new int[owner.Order.Length]; // by rank

    /// <summary>The sequence.</summary>
    public SequenceState Owner { get; } = owner;

    /// <summary>Its place in the cache; others move it.</summary>
    public int Index { get; set; } = index;

    /// <summary>The number of the last call with it.</summary>
    public long LastUse { get; set; }

    /// <summary>Ranks below are in the cache.</summary>
    public int Encoded { get; private set; }

    /// <summary>
    /// The first rank that has to be encoded: a rank counts as known only if its token, and all tokens before it, are those that were
    /// encoded. Given tokens, which see each other and never change, are known all or none. At least one rank is left, as a call needs a
    /// content row.
    /// </summary>
    public int FirstUnknown()
    {
        ReadOnlySpan<int> positions = Owner.Order.Positions, tokens = Owner.Tokens;
        int limit = Math.Min(Encoded, Owner.KnownCount), rank = 0;
        while (rank < limit && _tokens[rank] == tokens[positions[rank]])
            rank++;
        return Math.Min(rank, Owner.KnownCount - 1);
    }

    /// <summary>Notes that the ranks from <paramref name="first" /> up to the sequence's known ones were written.</summary>
    public void MarkCached(int first)
    {
        ReadOnlySpan<int> positions = Owner.Order.Positions, tokens = Owner.Tokens;
        for (int rank = first; rank < Owner.KnownCount; rank++)
            _tokens[rank] = tokens[positions[rank]];
        Encoded = Owner.KnownCount;
    }
}
