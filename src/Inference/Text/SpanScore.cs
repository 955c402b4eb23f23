namespace AsArm.Inference.Text;

/// <summary>A span's share of a score.</summary>
/// <param name="Text">The marked text.</param>
/// <param name="LogProbability">Natural log, given the unmarked text and the spans before.</param>
/// <param name="Tokens">Number of tokens.</param>
public sealed record SpanScore(string Text, double LogProbability, int Tokens);
