using AsArm.Assd.Samplers;

namespace AsArm.Inference.Infilling;

/// <summary>The text after one forward pass of a streamed request.</summary>
/// <param name="Text">The text so far; runs of tokens that are not committed appear as &lt;mask:N&gt;.</param>
/// <param name="Statistics">The statistics so far.</param>
/// <param name="IsFinal">True for the last update.</param>
public sealed record InfillUpdate(string Text, SamplingStatistics Statistics, bool IsFinal);
