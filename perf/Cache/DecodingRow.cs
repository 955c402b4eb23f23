namespace AsArm.Perf.Cache;

/// <summary>Decoding in steady state.</summary>
/// <param name="Sampler">Its name.</param>
/// <param name="Positions">Tokens of a sequence.</param>
/// <param name="Batch">Sequences of a forward pass.</param>
/// <param name="MillisecondsPerToken">The fastest portion.</param>
/// <param name="MedianMillisecondsPerToken">The median of the portions.</param>
/// <param name="ManagedShare">Managed time over all time.</param>
/// <param name="BytesPerSpeculationStep">Allocated.</param>
internal sealed record DecodingRow(
    string Sampler, int Positions, int Batch, double MillisecondsPerToken, double MedianMillisecondsPerToken, double ManagedShare, double BytesPerSpeculationStep)
{
    public override string ToString() => $"{Sampler}, {Positions} positions, batch {Batch}";
}
