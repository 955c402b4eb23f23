using AsArm.Assd.Samplers.Fused;

namespace AsArm.Benchmarks.Tables;

/// <summary>How many draft tokens of a source were accepted.</summary>
/// <param name="AcceptedOfVerified">The rate.</param>
/// <param name="Verified">Draft tokens that were verified.</param>
public sealed record SourceAcceptance(double AcceptedOfVerified, int Verified)
{
    /// <summary>Null where none was verified.</summary>
    public static SourceAcceptance? Of(DraftCounts counts) => counts.Verified == 0 ? null : new((double)counts.Accepted / counts.Verified, counts.Verified);
}
