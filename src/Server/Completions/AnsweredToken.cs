using AsArm.Assd.Distributions;
using AsArm.Inference.Infilling;
using AsArm.Inference.Text;

namespace AsArm.Server.Completions;

/// <summary>A token of an answer.</summary>
/// <param name="Text">Its text.</param>
/// <param name="Offset">Where it begins in the answered text.</param>
/// <param name="LogProbability">Natural log-probability.</param>
/// <param name="Top">The most probable tokens in its place.</param>
internal sealed record AnsweredToken(string Text, int Offset, double LogProbability, IReadOnlyList<TokenAlternative> Top)
{
    /// <summary>The tokens of a scored text.</summary>
    /// <param name="span">The whole text as a span.</param>
    public static IEnumerable<AnsweredToken> Of(SpanScore span)
    {
        bool isSame = string.Concat(span.TokenScores.Select(token => token.Text)) == span.Text;
        int at = 0;
        foreach (TokenScore token in span.TokenScores)
        {
            int start = isSame ? at : PlaceOf(token.Text, span.Text, at);
            at = Math.Min(span.Text.Length, start + token.Text.Length);
            yield return new AnsweredToken(token.Text, start, token.LogProbability, token.TopTokens);
        }
    }

    /// <summary>The generated tokens of a result.</summary>
    /// <param name="result">The result.</param>
    /// <param name="top">The most probable tokens by rank; null without.</param>
    /// <param name="infiller">The model.</param>
    /// <param name="shift">What is added to their places in the whole text.</param>
    public static IEnumerable<AnsweredToken> Of(InfillResult result, IReadOnlyList<IReadOnlyList<TokenProbability>>? top, TextInfiller infiller, int shift)
    {
        foreach (InfilledGap gap in result.Gaps)
        {
            int at = gap.Start + shift;
            foreach (TokenScore token in gap.Tokens)
            {
                yield return new AnsweredToken(token.Text, at, token.LogProbability, top is null ? [] : AlternativesOf(token, top[token.Rank], infiller));
                at += token.Text.Length;
            }
        }
    }

    /// <summary>Where the tokenizer has normalised the text: the next place at which the token's letters stand, or else right behind the one before.</summary>
    private static int PlaceOf(string token, string text, int from)
    {
        string letters = token.Trim();
        int found = letters.Length == 0 ? -1 : text.IndexOf(letters, from, Math.Min(text.Length - from, letters.Length + 8), StringComparison.OrdinalIgnoreCase);
        return found < 0 ? from : found;
    }

    private static TokenAlternative[] AlternativesOf(TokenScore token, IReadOnlyList<TokenProbability> top, TextInfiller infiller)
    {
        // A space that was typed before the gap is not in the token's text, and neither in those of the others.
        bool isSpaceShown = infiller.InfillTokenizer.Decode([token.Id]) == " " + token.Text;
        return [.. top.Select(one =>
        {
            string text = infiller.InfillTokenizer.Decode([one.Token]);
            return new TokenAlternative(one.Token, isSpaceShown && text.StartsWith(' ') ? text[1..] : text, one.Token == token.Id ? token.LogProbability : Math.Log(one.Probability));
        })];
    }
}
