namespace AsArm.Assd;

/// <summary>What became of the proposals of one source.</summary>
/// <param name="Drawn">Proposals drawn.</param>
/// <param name="Examined">Those that all earlier ones were kept before, so that their own test counted.</param>
/// <param name="Kept">Those that became part of the sequence.</param>
public readonly record struct DraftCounts(int Drawn, int Examined, int Kept);
