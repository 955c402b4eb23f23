using System.Text.Json;
using AsArm.Inference.Text;

namespace AsArm.Cli.Output;

/// <summary>The JSON of tokens with their log-probabilities; docs/json-lines.md is its contract.</summary>
internal static class TokenJson
{
    /// <summary>Writes an array of tokens.</summary>
    /// <param name="json">Inside an object.</param>
    /// <param name="name">The name of the field.</param>
    /// <param name="tokens">The tokens.</param>
    public static void Write(Utf8JsonWriter json, string name, IReadOnlyList<TokenScore> tokens)
    {
        json.WriteStartArray(name);
        foreach (TokenScore token in tokens)
        {
            json.WriteStartObject();
            WriteFields(json, token);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary>Writes the fields of a token.</summary>
    /// <param name="json">Inside an object.</param>
    /// <param name="token">The token.</param>
    public static void WriteFields(Utf8JsonWriter json, TokenScore token)
    {
        json.WriteNumber("id", token.Id);
        json.WriteString("text", token.Text);
        json.WriteNumber("log_prob", token.LogProbability);
        if (token.Entropy is double entropy)
            json.WriteNumber("entropy", entropy);
        if (token.PseudoLogProbability is double pseudo)
            json.WriteNumber("pseudo_log_prob", pseudo);
        json.WriteNumber("rank", token.Rank);
    }
}
