using System.Text.Json;
using AsArm.Inference.Text;

namespace AsArm.Server.Completions;

/// <summary>An answered text.</summary>
/// <param name="Text">The text.</param>
/// <param name="FinishReason">"stop" where the model chose the end or a stop text was found, "length" where max_tokens did; null for a part of a text.</param>
internal sealed record CompletionChoice(string Text, string? FinishReason)
{
    /// <summary>Its tokens; null if their log-probabilities were not asked for.</summary>
    public IReadOnlyList<AnsweredToken>? Tokens { get; init; }

    /// <summary>How many alternatives each token has; 0 for none.</summary>
    public int Alternatives { get; init; }

    /// <summary>The texts of the gaps of a prompt with gap markup; null otherwise.</summary>
    public IReadOnlyList<string>? Gaps { get; init; }

    /// <summary>The seed that repeats it; null where nothing was generated, and in all parts but the last.</summary>
    public long? Seed { get; init; }

    /// <summary>Writes the fields of the choice.</summary>
    public void Write(Utf8JsonWriter json, int index)
    {
        json.WriteStartObject();
        json.WriteString("text", Text);
        json.WriteNumber("index", index);
        if (Tokens is null)
            json.WriteNull("logprobs");
        else
            WriteTokens(json, Tokens);
        json.WriteString("finish_reason", FinishReason);
        if (Gaps is not null)
        {
            json.WriteStartArray("gaps");
            foreach (string gap in Gaps)
                json.WriteStringValue(gap);
            json.WriteEndArray();
        }

        if (Seed is long seed)
            json.WriteNumber("seed", seed);
        json.WriteEndObject();
    }

    private void WriteTokens(Utf8JsonWriter json, IReadOnlyList<AnsweredToken> tokens)
    {
        json.WriteStartObject("logprobs");
        json.WriteStartArray("tokens");
        foreach (AnsweredToken token in tokens)
            json.WriteStringValue(token.Text);
        json.WriteEndArray();
        json.WriteStartArray("token_logprobs");
        foreach (AnsweredToken token in tokens)
            WriteNumber(json, token.LogProbability);
        json.WriteEndArray();
        if (Alternatives == 0)
            json.WriteNull("top_logprobs");
        else
            WriteAlternatives(json, tokens);
        json.WriteStartArray("text_offset");
        foreach (int offset in CodePoints(Text, tokens.Select(token => token.Offset)))
            json.WriteNumberValue(offset);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteNumber(Utf8JsonWriter json, double? number)
    {
        if (number is double value)
            json.WriteNumberValue(value);
        else
            json.WriteNullValue();
    }

    /// <summary>Clients count code points, in which a pair of surrogates is one.</summary>
    /// <param name="text">A text.</param>
    /// <param name="offsets">Ascending places in it, in UTF-16 code units.</param>
    internal static IEnumerable<int> CodePoints(string text, IEnumerable<int> offsets)
    {
        int at = 0, count = 0;
        foreach (int offset in offsets)
        {
            for (; at < Math.Min(offset, text.Length); at++)
                count += char.IsLowSurrogate(text[at]) ? 0 : 1;
            yield return count;
        }
    }

    /// <summary>The token itself is always among them, with the very number of token_logprobs, so that clients can compare the two.</summary>
    private static void WriteAlternatives(Utf8JsonWriter json, IReadOnlyList<AnsweredToken> tokens)
    {
        json.WriteStartArray("top_logprobs");
        foreach (AnsweredToken token in tokens)
        {
            if (token.LogProbability is not double own)
            {
                json.WriteNullValue();
                continue;
            }

            var top = new Dictionary<string, double>();
            foreach (TokenAlternative one in token.Top)
                top.TryAdd(one.Text, one.LogProbability);
            top[token.Text] = own;
            json.WriteStartObject();
            foreach ((string text, double logProbability) in top)
                json.WriteNumber(text, logProbability);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
