using AsArm.Assd.Samplers;

namespace AsArm.Inference.Infilling;

/// <summary>The state after one forward pass of a streamed request.</summary>
/// <param name="Text">The text so far; runs of undecided tokens appear as &lt;mask:N&gt;.</param>
/// <param name="Statistics">Counts so far.</param>
/// <param name="IsFinal">True for the last update.</param>
public sealed record InfillUpdate(string Text, SamplingStatistics Statistics, bool IsFinal);
