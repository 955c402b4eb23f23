using AsArm.Benchmarks.Statistics;
using AsArm.Benchmarks.Texts;
using AsArm.Inference.Infilling;

namespace AsArm.Perf.Samplers;

/// <summary>What a sampler would have taken with a network of base size, after the first forward pass and one text at a time.</summary>
/// <param name="Temperature">T.</param>
/// <param name="Text">The kind of text.</param>
/// <param name="Sampler">The sampler.</param>
/// <param name="MillisecondsPerToken">Without the sampler's own work.</param>
/// <param name="SpeedOverSequential">Speed relative to sequential.</param>
/// <param name="SpeedOverAssd">Speed relative to assd.</param>
internal sealed record BaseSizeRow(
    double Temperature, TextKind Text, SamplerKind Sampler, double MillisecondsPerToken, Estimate? SpeedOverSequential, Estimate? SpeedOverAssd);
