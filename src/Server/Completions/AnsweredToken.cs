using AsArm.Assd.Distributions;
using AsArm.Inference.Infilling;
using AsArm.Inference.Text;

namespace AsArm.Server.Completions;

/// <summary>A token of an answer.</summary>
/// <param name="Text">Its text.</param>
/// <param name="Offset">Where it begins in the answered text, in UTF-16 code units.</param>
/// <param name="LogProbability">Natural log-probability; null for a special token of the prompt, which has none.</param>
/// <param name="Top">The most probable tokens in its place.</param>
internal sealed record AnsweredToken(string Text, int Offset, double? LogProbability, IReadOnlyList<TokenAlternative> Top)
{
    /// <summary>The tokens of a scored prompt, each with its part of the text as it was given.</summary>
    /// <param name="prompt">The prompt.</param>
    /// <param name="score">The score of its tokens after the special ones; null if there are none.</param>
    /// <param name="infiller">The model.</param>
    public static IEnumerable<AnsweredToken> Of(PromptText prompt, SpanScore? score, TextInfiller infiller)
    {
        int at = 0;
        foreach (int token in prompt.Tokens?[..prompt.Specials] ?? [])
        {
            string text = infiller.InfillTokenizer.PieceOf(token);
            yield return new AnsweredToken(text, at, null, []);
            at += text.Length;
        }

        foreach (AnsweredToken token in score is null ? [] : Of(score))
            yield return token with { Offset = at + token.Offset };
    }

    /// <summary>The tokens of a scored text.</summary>
    /// <param name="span">The whole text as a span.</param>
    private static IEnumerable<AnsweredToken> Of(SpanScore span)
    {
        int[] starts = TokenStarts.Of(span.Text, [.. span.TokenScores.Select(token => token.Text)]);
        foreach ((int index, TokenScore token) in span.TokenScores.Index())
        {
            string text = span.Text[starts[index]..(index + 1 < starts.Length ? starts[index + 1] : span.Text.Length)];
            TokenAlternative own = new(token.Id, text, token.LogProbability);
            yield return new AnsweredToken(text, starts[index], token.LogProbability, [.. token.TopTokens.Select(one => one.Id == token.Id ? own : one)]);
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

    private static TokenAlternative[] AlternativesOf(TokenScore token, IReadOnlyList<TokenProbability> top, TextInfiller infiller)
    {
        // A space that was typed before the gap is not in the token's text, and neither in those of the others.
        bool isSpaceShown = infiller.InfillTokenizer.Decode([token.Id]) == " " + token.Text;
        return [.. top.Select(one =>
        {
            if (one.Token == token.Id)
                return new TokenAlternative(token.Id, token.Text, token.LogProbability);
            string text = infiller.InfillTokenizer.Decode([one.Token]);
            return new TokenAlternative(one.Token, isSpaceShown && text.StartsWith(' ') ? text[1..] : text, Math.Log(one.Probability));
        })];
    }
}
