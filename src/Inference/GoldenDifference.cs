namespace AsArm.Inference;

/// <summary>How far a replayed case is off.</summary>
/// <param name="Case">Its name in the file.</param>
/// <param name="MaximumDifference">Largest absolute difference of a logit; infinite where a logit is NaN.</param>
public sealed record GoldenDifference(string Case, float MaximumDifference);
