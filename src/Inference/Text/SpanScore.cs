namespace AsArm.Inference.Text;

/// <summary>The score of one span.</summary>
/// <param name="Text">The text of the span.</param>
/// <param name="LogProbability">Natural logarithm of its probability, given the given text and earlier spans.</param>
/// <param name="Tokens">Number of tokens.</param>
public sealed record SpanScore(string Text, double LogProbability, int Tokens)
{
    /// <summary>The tokens of the span, from left to right. Their texts differ from <see cref="Text" /> where the tokenizer normalises it.</summary>
    public IReadOnlyList<TokenScore> TokenScores { get; init; } = [];

    /// <summary>The words of the span, from left to right.</summary>
    public IReadOnlyList<WordScore> Words => WordScore.Of(TokenScores);

    /// <summary>The pseudo-log-likelihood, the sum of <see cref="TokenScore.PseudoLogProbability" /> over its tokens; null if it was not asked for.</summary>
    public double? PseudoLogLikelihood => TokenScore.PseudoLogLikelihoodOf(TokenScores);
}
