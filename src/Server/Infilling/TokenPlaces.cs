using System.Text.Json;
using AsArm.Cli.Output;
using AsArm.Inference.Infilling;
using AsArm.Inference.Text;

namespace AsArm.Server.Infilling;

/// <summary>The JSON of tokens with their places.</summary>
internal static class TokenPlaces
{
    /// <summary>An array of the gaps of a filled text, each an array of tokens; one that stays open has none in the text.</summary>
    public static void Write(Utf8JsonWriter json, IReadOnlyList<InfilledGap> gaps)
    {
        json.WriteStartArray();
        foreach (InfilledGap gap in gaps)
            Write(json, gap.Abstained ? [] : gap.Tokens, gap.Start);
        json.WriteEndArray();
    }

    /// <summary>An array of tokens, whose texts follow each other from a place on, in UTF-16 code units.</summary>
    public static void Write(Utf8JsonWriter json, IReadOnlyList<TokenScore> tokens, int start)
    {
        json.WriteStartArray();
        foreach (TokenScore token in tokens)
        {
            json.WriteStartObject();
            TokenJson.WriteFields(json, token);
            json.WriteNumber("start", start);
            if (token.TopTokens.Count > 0)
                WriteTop(json, token.TopTokens);
            json.WriteEndObject();
            start += token.Text.Length;
        }

        json.WriteEndArray();
    }

    private static void WriteTop(Utf8JsonWriter json, IReadOnlyList<TokenAlternative> top)
    {
        json.WriteStartArray("top");
        foreach (TokenAlternative one in top)
        {
            json.WriteStartObject();
            json.WriteNumber("id", one.Id);
            json.WriteString("text", one.Text);
            json.WriteNumber("log_prob", one.LogProbability);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
