namespace AsArm.Inference.Gaps;

/// <summary>The first tokens of a filling.</summary>
/// <param name="Tokens">The tokens.</param>
/// <param name="LogProbabilities">Their natural log-probabilities, each given the tokens before it.</param>
internal sealed record Beam(int[] Tokens, double[] LogProbabilities)
{
    /// <summary>The natural log-probability of the tokens together.</summary>
    public double LogProbability { get; } = LogProbabilities.Sum();

    /// <summary>With one token more.</summary>
    public Beam With(int token, double logProbability) => new([.. Tokens, token], [.. LogProbabilities, logProbability]);
}
