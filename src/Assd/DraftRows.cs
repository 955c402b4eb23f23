namespace AsArm.Assd;

/// <summary>
/// Rows that the network answered for targets ahead, kept until their rank is decided: one for each of the next
/// <paramref name="reach" /> ranks. A row that has seen less than is known by now is as good a draft as any, only a weaker one.
/// </summary>
/// <param name="reach">Ranks ahead for which rows are kept.</param>
/// <param name="vocabularySize">V.</param>
internal sealed class DraftRows(int reach, int vocabularySize)
{
    private readonly float[] _values = new float[checked(reach * vocabularySize)];
    private readonly Entry[] _entries = new Entry[reach];

    /// <summary>Whether there is a row for a rank; its neighbours and its largest probability.</summary>
    public bool TryGet(int rank, out Neighbours sees, out double confidence)
    {
        Entry entry = _entries.Length == 0 ? default : _entries[rank % reach];
        (sees, confidence) = (entry.Sees, entry.Confidence);
        return entry.Horizon > 0 && entry.Rank == rank;
    }

    /// <summary>[V] the row of a rank that has one.</summary>
    public ReadOnlySpan<float> Row(int rank) => Values(rank);

    /// <summary>Keeps a row unless there is one that has seen more.</summary>
    public void Keep(Conditional conditional, Neighbours sees, double confidence, ReadOnlySpan<float> row)
    {
        ref Entry entry = ref _entries[conditional.Rank % reach];
        int horizon = conditional.Horizon + 1; // so that an entry never used has none
        if (entry.Rank == conditional.Rank && entry.Horizon > horizon)
            return;
        entry = new(conditional.Rank, horizon, sees, confidence);
        row.CopyTo(Values(conditional.Rank));
    }

    private Span<float> Values(int rank) => _values.AsSpan(rank % reach * vocabularySize, vocabularySize);

    private readonly record struct Entry(int Rank, int Horizon, Neighbours Sees, double Confidence);
}
