using AsArm.Perf.Results;

namespace AsArm.Perf.Graphs;

/// <summary>Everything that `perf -- graphs` measured.</summary>
/// <param name="Machine">Where.</param>
/// <param name="First">One model folder.</param>
/// <param name="Second">The other.</param>
/// <param name="Rows">By shape.</param>
/// <param name="Figures">The last lines.</param>
internal sealed record GraphResults(Machine Machine, string First, string Second, IReadOnlyList<GraphRow> Rows, IReadOnlyList<Figure> Figures);
