using System.Text.Json;
using AsArm.Cli.Options;
using AsArm.Inference.Text;

namespace AsArm.Cli.Output;

/// <summary>The JSON fields of scores; docs/json-lines.md is their contract.</summary>
internal static class ScoreJson
{
    /// <summary>The fields of a scored text.</summary>
    /// <param name="json">Inside an object.</param>
    /// <param name="score">The scores.</param>
    /// <param name="detail">What is listed of each span.</param>
    public static void Write(Utf8JsonWriter json, ScoreResult score, ScoreDetail detail)
    {
        WriteNumbers(json, score.LogProbability, score.PseudoLogLikelihood, score.Tokens);
        json.WriteStartArray("spans");
        foreach (SpanScore span in score.Spans)
        {
            json.WriteStartObject();
            json.WriteString("text", span.Text);
            WriteNumbers(json, span.LogProbability, span.PseudoLogLikelihood, span.Tokens);
            if (detail == ScoreDetail.Word)
                WriteWords(json, span.Words);
            if (detail == ScoreDetail.Token)
                TokenJson.Write(json, "token_details", span.TokenScores);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteWords(Utf8JsonWriter json, IReadOnlyList<WordScore> words)
    {
        json.WriteStartArray("words");
        foreach (WordScore word in words)
        {
            json.WriteStartObject();
            json.WriteString("text", word.Text);
            WriteNumbers(json, word.LogProbability, word.PseudoLogLikelihood, word.Tokens);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteNumbers(Utf8JsonWriter json, double logProbability, double? pseudo, int tokens)
    {
        json.WriteNumber("log_prob", logProbability);
        if (pseudo is double sum)
            json.WriteNumber("pseudo_log_likelihood", sum);
        json.WriteNumber("tokens", tokens);
    }
}
