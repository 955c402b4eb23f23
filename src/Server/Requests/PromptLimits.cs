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
        if (inWindows)
            return;
        TokenCount count = infiller.CountTokens(prompt);
        if (!count.Fits)
            throw new RequestException(
                StatusCodes.Status400BadRequest, $"\"{field}\" has {count.Total} tokens with its gaps, the model takes {count.Maximum}.", field, "context_length_exceeded");
    }

    /// <summary>Refuses more texts than the server generates for a request.</summary>
    public static void RequireSamples(int samples, ServerOptions options, string field)
    {
        if (samples > options.MaxSamples)
            throw RequestException.Of(field, $"asks for more than {options.MaxSamples} texts in one request, the server's limit");
    }

    /// <summary>The tokens of the given text that the model sees, the separator included.</summary>
    public static int GivenTokens(ITextInfiller infiller, InfillPrompt prompt)
    {
        TokenCount count = infiller.CountTokens(prompt);
        return (int)count.Given + count.Separator;
    }
}
