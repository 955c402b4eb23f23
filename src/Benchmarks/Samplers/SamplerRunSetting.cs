namespace AsArm.Benchmarks.Samplers;

/// <summary>How the samplers are run.</summary>
/// <param name="Temperature">T.</param>
/// <param name="Batch">Texts of a batch.</param>
/// <param name="Seeds">How often each text is filled.</param>
/// <param name="IntervalUnit">What intervals are over.</param>
public sealed record SamplerRunSetting(double Temperature, int Batch, int Seeds, IntervalUnit IntervalUnit);
