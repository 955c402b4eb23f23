namespace AsArm.Perf.Load;

/// <summary>The memory of the server during a measurement.</summary>
/// <param name="Start">Before the first request, the model open.</param>
/// <param name="WarmedUp">After a turn of the most clients.</param>
/// <param name="End">After all turns.</param>
/// <param name="AfterConnections">After the many connections.</param>
/// <param name="WorkingSets">Resident memory in MB after each round.</param>
internal sealed record MemoryResults(MemoryReading Start, MemoryReading WarmedUp, MemoryReading End, MemoryReading AfterConnections, IReadOnlyList<double> WorkingSets)
{
    /// <summary>Resident memory at the end against that after the warm-up.</summary>
    public double Growth => End.WorkingSet / WarmedUp.WorkingSet;

    /// <summary>The same of the managed heap; null where it is not known.</summary>
    public double? HeapGrowth => End.ManagedHeap / WarmedUp.ManagedHeap;
}
