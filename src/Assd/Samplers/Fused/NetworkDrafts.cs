using System.Numerics.Tensors;
using AsArm.Assd.Ordering;

namespace AsArm.Assd.Samplers.Fused;

/// <summary>
/// Rows that the network answered for targets ahead, kept until their rank is decided: one for each of the next
/// <paramref name="reach" /> ranks. A row that has seen less than is known by now, or draft tokens that were rejected, is as good a draft
/// as any, only a weaker one.
/// </summary>
/// <param name="reach">Ranks ahead for which rows are kept.</param>
/// <param name="vocabularySize">V.</param>
internal sealed class NetworkDrafts(int reach, int vocabularySize)
{
    private readonly float[] _values = GC.AllocateUninitializedArray<float>(checked(reach * vocabularySize));
    private readonly Entry[] _entries = new Entry[reach];

    /// <summary>Whether there is a row for a rank, and what is known of it.</summary>
    public bool TryGet(int rank, out Entry entry)
    {
        entry = reach == 0 ? default : _entries[rank % reach];
        return entry.Seen > 0 && entry.Rank == rank;
    }

    /// <summary>[V] the row of a rank that has one, a distribution.</summary>
    public ReadOnlySpan<float> Row(int rank) => Values(rank);

    /// <summary>Whether a row that has seen so much is better than what there is.</summary>
    public bool Wants(int rank, int seen) => _entries[rank % reach] is var entry && !(entry.Rank == rank && entry.Seen > seen);

    /// <summary>Keeps a row that is wanted.</summary>
    /// <param name="rank">Its rank, less than reach beyond the decided ones.</param>
    /// <param name="seen">How many ranks it has seen with the tokens they have now; at least 0.</param>
    /// <param name="sees">Those of its neighbours among them.</param>
    /// <param name="rejected">The token that it has seen on its left, if that one was rejected; else -1.</param>
    /// <param name="row">[V] a distribution.</param>
    public void Keep(int rank, int seen, Neighbours sees, int rejected, ReadOnlySpan<float> row)
    {
        _entries[rank % reach] = new(rank, seen + 1, sees, rejected, TensorPrimitives.Max(row));
        row.CopyTo(Values(rank));
    }

    private Span<float> Values(int rank) => _values.AsSpan(rank % reach * vocabularySize, vocabularySize);

    /// <summary>What is known of a row.</summary>
    /// <param name="Rank">Its rank.</param>
    /// <param name="Seen">Ranks seen, plus one, so that an entry never used has none.</param>
    /// <param name="VisibleNeighbours">Neighbours seen.</param>
    /// <param name="Rejected">A rejected token seen on the left, or -1.</param>
    /// <param name="Confidence">Its largest probability.</param>
    internal readonly record struct Entry(int Rank, int Seen, Neighbours VisibleNeighbours, int Rejected, double Confidence);
}
