namespace AsArm.Assd.Constraints;

/// <summary>How a sequence that meets a constraint was drawn.</summary>
/// <param name="Method">How.</param>
/// <param name="Tries">Draws that were made to be kept or rejected, the kept one included.</param>
/// <param name="Particles">Weighted draws that it was resampled from; 0 unless it is an estimate.</param>
/// <param name="EffectiveSampleSize">The effective number of the particles, (sum w)^2 / sum w^2; 0 unless it is an estimate.</param>
public sealed record ConditionalStatistics(ConditionalMethod Method, int Tries, int Particles, double EffectiveSampleSize)
{
    /// <summary>The share of the tries that was kept; 0 unless it is exact.</summary>
    public double AcceptanceRate => Method == ConditionalMethod.Exact ? 1.0 / Tries : 0;
}
