using System.Numerics.Tensors;
using AsArm.Assd.Ordering;

namespace AsArm.Assd.Samplers.Fused;

/// <summary>
/// Rows of earlier forward passes that serve as drafts: at most one for each of the next <paramref name="lookahead" /> uncommitted ranks. A
/// row that has seen fewer tokens than are known by now, or a rejected draft token, is a weaker draft; the sampler is exact nonetheless.
/// </summary>
/// <param name="lookahead">The number of ranks for which rows are kept.</param>
/// <param name="vocabularySize">V.</param>
/// <param name="stateSize">The length of the states that are kept with the rows; 0 keeps none.</param>
internal sealed class NetworkDrafts(int lookahead, int vocabularySize, int stateSize)
{
    private readonly float[] _values = GC.AllocateUninitializedArray<float>(checked(lookahead * vocabularySize));
    private readonly float[] _states = stateSize == 0 ? [] : GC.AllocateUninitializedArray<float>(checked(lookahead * stateSize));
    private readonly Entry[] _entries = new Entry[lookahead];

    /// <summary>Whether there is a row for a rank, and its description.</summary>
    public bool TryGet(int rank, out Entry entry)
    {
        entry = lookahead == 0 ? default : _entries[rank % lookahead];
        return entry.HorizonPlusOne > 0 && entry.Rank == rank;
    }

    /// <summary>[V] the row of a rank that has one, as probabilities.</summary>
    public ReadOnlySpan<float> Row(int rank) => Values(rank);

    /// <summary>[S] the state of the query of such a row.</summary>
    public ReadOnlySpan<float> QueryState(int rank) => States(rank);

    /// <summary>
    /// Whether a row of this effective horizon, see <see cref="Store" />, has seen more tokens than the stored one. Of two with the same, the one stored first
    /// stays: rows that have seen no rejected token are stored before those that have.
    /// </summary>
    public bool IsImprovement(int rank, int horizon) =>
        _entries[rank % lookahead] is var entry && !(entry.Rank == rank && entry.HorizonPlusOne > horizon);

    /// <summary>Stores a row, in place of any other of its rank.</summary>
    /// <param name="rank">Its rank, less than lookahead beyond the committed ranks.</param>
    /// <param name="horizon">The effective horizon: the row has seen the ranks below it with the tokens that they have now.</param>
    /// <param name="visible">The neighbours among the ranks below the effective horizon.</param>
    /// <param name="rejected">The rejected token that the row has seen as its left neighbour, or -1.</param>
    /// <param name="row">[V] probabilities.</param>
    /// <param name="state">[S] the state of its query.</param>
    public void Store(int rank, int horizon, Neighbours visible, int rejected, ReadOnlySpan<float> row, ReadOnlySpan<float> state)
    {
        _entries[rank % lookahead] = new(rank, horizon + 1, visible, rejected, TensorPrimitives.Max(row));
        row.CopyTo(Values(rank));
        state.CopyTo(States(rank));
    }

    private Span<float> States(int rank) => _states.AsSpan(rank % lookahead * stateSize, stateSize);

    private Span<float> Values(int rank) => _values.AsSpan(rank % lookahead * vocabularySize, vocabularySize);

    /// <summary>The description of a row.</summary>
    /// <param name="Rank">Its rank.</param>
    /// <param name="HorizonPlusOne">The effective horizon plus one; 0 marks an unused entry.</param>
    /// <param name="VisibleNeighbours">The neighbours below the effective horizon.</param>
    /// <param name="Rejected">The rejected token that the row has seen as its left neighbour, or -1.</param>
    /// <param name="Confidence">Its largest probability.</param>
    internal readonly record struct Entry(int Rank, int HorizonPlusOne, Neighbours VisibleNeighbours, int Rejected, double Confidence);
}
