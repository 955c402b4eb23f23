namespace AsArm.Inference.Verification;

/// <summary>The difference of a replayed case from the recorded one.</summary>
/// <param name="Case">Its name in the file.</param>
/// <param name="MaxDifference">Largest absolute difference of a logit; infinite where a logit is NaN.</param>
/// <param name="Distributions">The divergence of the distributions.</param>
internal sealed record GoldenDifference(string Case, float MaxDifference, DistributionDifference Distributions);
