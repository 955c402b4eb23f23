using System.Text;

namespace AsArm.Inference.Text;

/// <summary>The score of a word: the tokens of a span up to the next one that begins with white space, punctuation included.</summary>
/// <param name="Text">The word, without white space around it.</param>
/// <param name="LogProbability">Natural logarithm of its probability, given the given text and earlier words of all spans.</param>
/// <param name="Tokens">Number of tokens.</param>
public sealed record WordScore(string Text, double LogProbability, int Tokens)
{
    /// <summary>The sum of <see cref="TokenScore.PseudoLogProbability" /> over its tokens; null if it was not asked for.</summary>
    public double? PseudoLogLikelihood { get; init; }

    /// <summary>The words of a span.</summary>
    /// <param name="tokens">The tokens of the span, from left to right.</param>
    internal static IReadOnlyList<WordScore> Of(IReadOnlyList<TokenScore> tokens)
    {
        var words = new List<WordScore>();
        var text = new StringBuilder();
        int start = 0;
        for (int i = 0; i < tokens.Count; i++)
        {
            bool begins = tokens[i].Text is [char first, ..] && char.IsWhiteSpace(first) && !string.IsNullOrWhiteSpace(text.ToString());
            if (begins)
                Add(i);
            text.Append(tokens[i].Text);
        }

        if (tokens.Count > start)
            Add(tokens.Count);
        return words;

        void Add(int end)
        {
            TokenScore[] own = [.. tokens.Take(start..end)];
            words.Add(new WordScore(text.ToString().Trim(), own.Sum(token => token.LogProbability), own.Length) { PseudoLogLikelihood = TokenScore.PseudoLogLikelihoodOf(own) });
            text.Clear();
            start = end;
        }
    }
}
