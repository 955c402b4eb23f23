namespace AsArm.Assd.Samplers.Fused;

/// <summary>What became of the draft tokens of one source.</summary>
/// <param name="Drafted">Draft tokens drawn.</param>
/// <param name="Verified">Those that all earlier ones were kept before, so that their own test counted.</param>
/// <param name="Accepted">Those that became part of the sequence.</param>
public readonly record struct DraftCounts(int Drafted, int Verified, int Accepted);
