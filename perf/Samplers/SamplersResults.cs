using AsArm.Benchmarks.Tables;

namespace AsArm.Perf.Samplers;

/// <summary>Everything that `perf -- samplers` measured.</summary>
/// <param name="Machine">Where.</param>
/// <param name="Model">Name of the model folder.</param>
/// <param name="Tables">The samplers side by side, first at T = 1, one text at a time.</param>
/// <param name="BaseSize">The same at the cost of a network of base size, if that was measured.</param>
internal sealed record SamplersResults(Machine Machine, string Model, IReadOnlyList<SamplerTable> Tables, BaseSizeTable? BaseSize);
