namespace AsArm.Inference.Text;

/// <summary>The exact joint log-probability of all marked spans, given the rest of the text.</summary>
/// <param name="LogProbability">Natural logarithm of the joint probability of all spans.</param>
/// <param name="Tokens">Number of tokens scored.</param>
/// <param name="Spans">The log-probability of each span, conditional on earlier spans; they add up to the joint one.</param>
public sealed record ScoreResult(double LogProbability, int Tokens, IReadOnlyList<SpanScore> Spans)
{
    /// <summary>The pseudo-log-likelihood of all spans, see <see cref="SpanScore.PseudoLogLikelihood" />; null if it was not asked for.</summary>
    public double? PseudoLogLikelihood => TokenScore.PseudoLogLikelihoodOf([.. Spans.SelectMany(span => span.TokenScores)]);
}
