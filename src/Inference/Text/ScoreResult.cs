namespace AsArm.Inference.Text;

/// <summary>The exact joint log-probability of all marked spans, given the rest of the text.</summary>
/// <param name="LogProbability">Natural log, all spans jointly.</param>
/// <param name="Tokens">Number of tokens scored.</param>
/// <param name="Spans">Each span's share, conditional on the spans before it; they add up to the joint.</param>
public sealed record ScoreResult(double LogProbability, int Tokens, IReadOnlyList<SpanScore> Spans);
