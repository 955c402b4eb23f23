using AsArm.Inference.Verification;

namespace AsArm.Inference.ModelFolders;

/// <summary>How far the distributions of a model may be from the recorded float32 ones; docs/model-format.md says how the usual ones were set.</summary>
/// <param name="MeanDivergence">Of <see cref="DistributionDifference.MeanDivergence" />, in nats.</param>
/// <param name="WorstDivergence">Of <see cref="DistributionDifference.WorstDivergence" />, in nats.</param>
/// <param name="WorstVariation">Of <see cref="DistributionDifference.WorstVariation" />, 0 to 1.</param>
/// <param name="RelativeDivergence">Of <see cref="DistributionDifference.RelativeDivergence" />.</param>
public sealed record DivergenceLimits(double MeanDivergence, double WorstDivergence, double WorstVariation, double RelativeDivergence);
