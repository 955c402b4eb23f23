using System.Text.Json;
using AsArm.Inference.Text;

namespace AsArm.Cli.Output;

/// <summary>The JSON of the number of tokens of a text.</summary>
internal static class TokenCountJson
{
    /// <summary>Writes the fields.</summary>
    /// <param name="json">Inside an object.</param>
    /// <param name="count">The numbers.</param>
    /// <param name="model">The model.</param>
    /// <param name="tokens">The tokens that are listed; null for none.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    public static void Write(Utf8JsonWriter json, TokenCount count, string model, int[]? tokens, InfillTokenizer tokenizer)
    {
        json.WriteNumber("tokens", count.Total);
        json.WriteNumber("given", count.Given);
        json.WriteNumber("gaps", count.Gaps);
        json.WriteNumber("separator", count.Separator);
        json.WriteNumber("maximum", count.Maximum);
        json.WriteBoolean("fits", count.Fits);
        json.WriteString("model", model);
        if (tokens is null)
            return;
        json.WriteStartArray("pieces");
        foreach (int token in tokens)
        {
            json.WriteStartObject();
            json.WriteNumber("id", token);
            json.WriteString("piece", tokenizer.PieceOf(token));
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
