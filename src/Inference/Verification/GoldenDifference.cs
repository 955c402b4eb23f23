namespace AsArm.Inference.Verification;

/// <summary>How far a replayed case is off.</summary>
/// <param name="Case">Its name in the file.</param>
/// <param name="MaximumDifference">Largest absolute difference of a logit; infinite where a logit is not a number.</param>
/// <param name="Distributions">How far the distributions are from the recorded ones.</param>
public sealed record GoldenDifference(string Case, float MaximumDifference, DistributionDifference Distributions);
