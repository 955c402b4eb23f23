namespace AsArm.Inference;

/// <summary>How far a replayed case is off.</summary>
/// <param name="Case">Its name in the file.</param>
/// <param name="MaximumDifference">Largest absolute difference of a logit; infinite where a logit is NaN.</param>
/// <param name="Rows">Distributions of the case.</param>
/// <param name="Divergence">Kullback-Leibler divergence of the model's distributions from the recorded ones in nats, the mean over the rows;
/// infinite where a logit is NaN.</param>
public sealed record GoldenDifference(string Case, float MaximumDifference, int Rows, double Divergence);
