namespace AsArm.Perf.Precision;

/// <summary>Everything that `perf -- precision` measured.</summary>
/// <param name="Machine">Where.</param>
/// <param name="Model">The network.</param>
/// <param name="Loads">Loading.</param>
/// <param name="ForwardPasses">Forward passes.</param>
internal sealed record PrecisionResults(Machine Machine, string Model, IReadOnlyList<LoadRow> Loads, IReadOnlyList<PassRow> ForwardPasses);
