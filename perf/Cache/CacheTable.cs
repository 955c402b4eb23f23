namespace AsArm.Perf.Cache;

/// <summary>What was measured with one network.</summary>
/// <param name="LongestSequence">That it takes.</param>
/// <param name="Decoding">Samplers in steady state.</param>
/// <param name="ForwardPasses">Single forward passes.</param>
internal sealed record CacheTable(int LongestSequence, IReadOnlyList<DecodingRow> Decoding, IReadOnlyList<ForwardPassRow> ForwardPasses);
