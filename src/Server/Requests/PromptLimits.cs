using AsArm.Inference.Infilling;
using AsArm.Inference.Text;
using AsArm.Server.Configuration;
using AsArm.Server.Fields;

namespace AsArm.Server.Requests;

/// <summary>Refuses texts that are too long before they are queued, by the name of their field.</summary>
internal static class PromptLimits
{
    /// <summary>Refuses a prompt with more tokens than the model takes, or more in gaps than the server generates.</summary>
    /// <exception cref="RequestException">Too many.</exception>
    public static void Require(ITextInfiller infiller, InfillPrompt prompt, ServerOptions options, string field, bool inWindows = false)
    {
        long gaps = prompt.Segments.OfType<TextSegment.Gap>().Sum(gap => Math.Min(gap.Count, options.MaxTokens + 1L));
        if (gaps > options.MaxTokens)
            throw RequestException.Of(field, $"has gaps of more than {options.MaxTokens} tokens, the server's limit");
        if (prompt.Segments.OfType<TextSegment.Gap>().Any(gap => gap.Specification.MaxTokens - gap.Specification.MinTokens >= options.MaxUnknownTokens))
            throw RequestException.Of(field, $"has a gap with a choice of more than {options.MaxUnknownTokens} lengths, the server's limit");
        if (inWindows)
            return;
        TokenCount count = infiller.CountTokens(prompt);
        RequireTokens(count.Total, count.Maximum, field);
    }

    /// <summary>Refuses more texts than the server generates for a request.</summary>
    public static void RequireSamples(int samples, ServerOptions options, string field)
    {
        if (samples > options.MaxSamples)
            throw RequestException.Of(field, $"asks for more than {options.MaxSamples} texts in one request, the server's limit");
    }

    /// <summary>Refuses a text whose tokens cannot be scored: one that is too long, or that the model cannot write.</summary>
    /// <returns>Whether it has tokens: one of white space may have none.</returns>
    /// <exception cref="RequestException">It cannot be scored.</exception>
    public static bool RequireScorable(TextInfiller infiller, string text, string field)
    {
        long count = infiller.CountTokens(new InfillPrompt().AddText(text)).Total;
        RequireTokens(count + 1, infiller.Model.MaxTokens, field); // with the separator
        InfillTokenizer tokenizer = infiller.InfillTokenizer;
        int[] tokens = tokenizer.EncodeStart(text);
        if (tokens.Length == 0 || tokenizer.CanWrite(text, tokens))
            return tokens.Length > 0;
        foreach (System.Text.Rune rune in text.EnumerateRunes())
        {
            if (!System.Text.Rune.IsWhiteSpace(rune) && !tokenizer.CanWrite(rune.ToString(), tokenizer.EncodeStart(rune.ToString())))
                throw RequestException.Of(field, $"has a character that the model cannot write, U+{rune.Value:X4}, and so has no log-probability: leave echo or logprobs out");
        }

        throw RequestException.Of(field, "has characters that the model cannot write, and so has no log-probability: leave echo or logprobs out");
    }

    /// <summary>Refuses more tokens than the model takes.</summary>
    /// <exception cref="RequestException">Too many.</exception>
    public static void RequireTokens(long count, int maximum, string field)
    {
        if (count > maximum)
            throw new RequestException(StatusCodes.Status400BadRequest, $"\"{field}\" has {count} tokens with its gaps, the model takes {maximum}.", field, "context_length_exceeded");
    }

    /// <summary>The tokens of the given text that the model sees, the separator included.</summary>
    public static int GivenTokens(ITextInfiller infiller, InfillPrompt prompt)
    {
        TokenCount count = infiller.CountTokens(prompt);
        return (int)count.Given + count.Separator;
    }
}
