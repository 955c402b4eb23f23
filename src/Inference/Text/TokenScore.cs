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
}
