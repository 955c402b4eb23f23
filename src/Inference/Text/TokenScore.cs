namespace AsArm.Inference.Text;

/// <summary>A token with its log-probability.</summary>
/// <param name="Id">Its id in the vocabulary of the network.</param>
/// <param name="Text">Its text, with the space before a word; the texts of the tokens of a gap or span add up to its text.</param>
/// <param name="LogProbability">Natural log-probability, given the text and all tokens of lower <paramref name="Rank" />.</param>
/// <param name="Rank">Its place in the decoding order, from 0; the tokens that are given do not count.</param>
public sealed record TokenScore(int Id, string Text, double LogProbability, int Rank)
{
    /// <summary>The most probable tokens in its place given the same, the most probable first; empty unless they were asked for.</summary>
    public IReadOnlyList<TokenAlternative> TopTokens { get; init; } = [];

    /// <summary>
    /// The entropy in nats of the distribution that the token was drawn from, at temperature 0 that of temperature 1; null if it was not asked for, and in
    /// updates of a stream before the last.
    /// </summary>
    public double? Entropy { get; init; }

    /// <summary>Natural log-probability given all other tokens, those after it included; null if it was not asked for.</summary>
    public double? PseudoLogProbability { get; init; }

    /// <summary>The sum of the pseudo-log-probabilities of tokens; null if a token has none.</summary>
    internal static double? PseudoLogLikelihoodOf(IReadOnlyList<TokenScore> tokens) =>
        tokens.Count > 0 && tokens.All(token => token.PseudoLogProbability is not null) ? tokens.Sum(token => token.PseudoLogProbability) : null;

    /// <summary>The tokens with their entropies.</summary>
    /// <param name="tokens">The tokens.</param>
    /// <param name="entropies">By rank; empty if they were not recorded.</param>
    /// <param name="firstRank">The rank that the first entropy belongs to.</param>
    internal static IReadOnlyList<TokenScore> WithEntropies(IReadOnlyList<TokenScore> tokens, double[] entropies, int firstRank) =>
        entropies.Length == 0 ? tokens : [.. tokens.Select(token => token with { Entropy = entropies[token.Rank - firstRank] })];
}
