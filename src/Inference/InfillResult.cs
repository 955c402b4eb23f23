using AsArm.Assd;

namespace AsArm.Inference;

/// <summary>A filled text.</summary>
/// <param name="Text">The whole text; given parts exactly as they were.</param>
/// <param name="Gaps">The text of each gap, in the order of the text, a leading space included.</param>
/// <param name="Statistics">Tokens, model calls, proposals and the log-probability of the generated tokens.</param>
/// <param name="Seed">Repeats this result.</param>
/// <param name="Elapsed">Wall time from its first model call to its last; calls are shared with the others of a batch.</param>
public sealed record InfillResult(string Text, IReadOnlyList<string> Gaps, SamplingStatistics Statistics, long Seed, TimeSpan Elapsed);
