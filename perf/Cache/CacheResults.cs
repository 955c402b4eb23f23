using AsArm.Perf.Results;

namespace AsArm.Perf.Cache;

/// <summary>Everything that `perf -- cache` measured.</summary>
/// <param name="Machine">Where.</param>
/// <param name="Model">The network.</param>
/// <param name="Tables">By the longest sequence.</param>
/// <param name="Figures">The last lines.</param>
internal sealed record CacheResults(Machine Machine, string Model, IReadOnlyList<CacheTable> Tables, IReadOnlyList<Figure> Figures);
