namespace AsArm.Inference;

/// <summary>How far a replayed case is off.</summary>
/// <param name="Case">Its name in the file.</param>
/// <param name="MaximumDifference">Largest absolute difference of a logit; infinite where a logit is NaN.</param>
/// <param name="Rows">Distributions of the case.</param>
/// <param name="Divergence">Kullback-Leibler divergence of the model's distributions from the recorded ones in nats, the mean over the rows;
/// infinite where a logit is NaN.</param>
/// <param name="RelativeError">Of the worst row: root mean square of its differences over that of its recorded logits, its mean taken away
/// from both. Knows no scale: 0 for the same distribution, 1 where all tokens have the same logit; infinite where a logit is NaN.</param>
public sealed record GoldenDifference(string Case, float MaximumDifference, int Rows, double Divergence, double RelativeError);
