using AsArm.Inference.Infilling;
using AsArm.Inference.Text;
using AsArm.Server.Fields;
using AsArm.Server.Requests;

namespace AsArm.Server.Completions;

/// <summary>
/// A prompt as a client gave it: a text, or token ids. Ids that are the tokens of their text are that text; others, as harnesses make them when they cut a text,
/// are evaluated exactly as they are.
/// </summary>
/// <param name="Text">The text, or that of the tokens.</param>
/// <param name="Tokens">The tokens; null for a text.</param>
/// <param name="Specials">How many special tokens are at the start of the tokens; they are given, and have no log-probability.</param>
internal sealed record PromptText(string Text, int[]? Tokens, int Specials)
{
    public static PromptText Of(string text) => new(text, null, 0);

    public static PromptText Of(int[] tokens, InfillTokenizer tokenizer)
    {
        if (Array.TrueForAll(tokens, tokenizer.IsText))
        {
            string text = tokenizer.DecodeStart(tokens);
            if (tokenizer.EncodeStart(text).SequenceEqual(tokens))
                return Of(text);
        }

        return new PromptText(InfillText.Show(tokens, tokenizer), tokens, tokens.TakeWhile(token => !tokenizer.IsText(token)).Count());
    }

    /// <summary>Whether there is something to score.</summary>
    public bool HasTargets => Tokens is null ? Text.Length > 0 : Tokens.Length > Specials;

    /// <summary>Refuses what cannot be scored.</summary>
    /// <returns>Whether it has tokens.</returns>
    /// <exception cref="RequestException">It is too long, or has tokens that the model cannot write.</exception>
    public bool RequireScorable(TextInfiller infiller, string field)
    {
        if (Tokens is null)
            return PromptLimits.RequireScorable(infiller, Text, field);
        PromptLimits.RequireTokens(Tokens.Length + (Specials == 0 ? 1 : 0), infiller.Model.MaxTokens, field); // with the separator
        int at = Array.FindIndex(Tokens, Specials, token => !infiller.InfillTokenizer.IsText(token));
        return at < 0 ? true
            : throw RequestException.Of(field, $"has the token {Tokens[at]} at index {at}, which is not text and so has no log-probability: only the first tokens may be special ones");
    }

    /// <summary>The prompt alone.</summary>
    public InfillPrompt Given => Tokens is null ? new InfillPrompt().AddText(Text) : new InfillPrompt().AddTokens(Tokens);

    /// <summary>The prompt with all of it to be scored but the special tokens at its start.</summary>
    public ScorePrompt Scored => Tokens is null ? new ScorePrompt().AddSpan(Text) : new ScorePrompt().AddTokens(Tokens[..Specials]).AddTokenSpan(Tokens[Specials..]);
}
