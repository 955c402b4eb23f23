using AsArm.Inference.Verification;

namespace AsArm.Inference.ModelFolders;

/// <summary>Limits on how far the distributions of a model may be from the recorded float32 ones; docs/model-format.md says how the limits of each precision were set.</summary>
/// <param name="MeanDivergence">Limit of <see cref="DistributionDifference.MeanDivergence" />, in nats.</param>
/// <param name="WorstDivergence">Limit of <see cref="DistributionDifference.WorstDivergence" />, in nats.</param>
/// <param name="WorstVariation">Limit of <see cref="DistributionDifference.WorstVariation" />, 0 to 1.</param>
/// <param name="RelativeDivergence">Limit of <see cref="DistributionDifference.RelativeDivergence" />.</param>
internal sealed record DivergenceLimits(double MeanDivergence, double WorstDivergence, double WorstVariation, double RelativeDivergence);
