using AsArm.Perf.Results;

namespace AsArm.Perf.Graphs;

/// <summary>Forward passes of one shape through two graphs.</summary>
/// <param name="Content">Content rows of a sequence.</param>
/// <param name="Queries">Query rows of a sequence.</param>
/// <param name="Positions">Length of a sequence.</param>
/// <param name="Batch">Sequences.</param>
/// <param name="FirstMilliseconds">The fastest pass of the first graph.</param>
/// <param name="SecondMilliseconds">The fastest pass of the second graph.</param>
/// <param name="Ratio">The median of first / second over the turns, and its interval.</param>
internal sealed record GraphRow(
    int Content, int Queries, int Positions, int Batch, double FirstMilliseconds, double SecondMilliseconds, MedianInterval Ratio);
