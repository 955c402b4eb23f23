using System.Text.Json;
using AsArm.Assd.Constraints;
using AsArm.Inference.Gaps;
using AsArm.Inference.Infilling;

namespace AsArm.Cli.Output;

/// <summary>The JSON field of what is known of each gap; docs/json-lines.md is its contract.</summary>
internal static class GapJson
{
    /// <summary>Writes the array of all gaps of a text.</summary>
    /// <param name="json">Inside an object.</param>
    /// <param name="gaps">The gaps.</param>
    /// <param name="withTokens">Whether their tokens are listed.</param>
    public static void Write(Utf8JsonWriter json, IReadOnlyList<InfilledGap> gaps, bool withTokens)
    {
        json.WriteStartArray("gap_details");
        foreach (InfilledGap gap in gaps)
        {
            json.WriteStartObject();
            json.WriteString("text", gap.Text);
            json.WriteString("markup", gap.Markup);
            if (gap.Abstained)
            {
                json.WriteBoolean("abstained", true);
                json.WriteString("filling", gap.Filling);
            }

            json.WriteNumber("tokens", gap.Tokens.Count);
            json.WriteNumber("log_prob", gap.LogProbability);
            if (gap.EndLogProbability is double end)
                json.WriteNumber("end_log_prob", end);
            json.WriteNumber("probability", gap.Probability);
            json.WriteString("accuracy", NameOf(gap.Accuracy));
            json.WriteString("method", NameOf(gap.Method));
            if (gap.Lengths.Count > 0)
                WriteLengths(json, gap.Lengths);
            if (gap.Choices.Count > 0)
                WriteChoices(json, gap.Choices);
            if (gap.Conditioning is ConditionalStatistics statistics)
                WriteConditioning(json, statistics);
            if (withTokens)
                TokenJson.Write(json, "token_details", gap.Tokens);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteChoices(Utf8JsonWriter json, IReadOnlyList<ChoiceProbability> choices)
    {
        json.WriteStartArray("choices");
        foreach (ChoiceProbability choice in choices)
        {
            json.WriteStartObject();
            json.WriteString("text", choice.Text);
            json.WriteNumber("tokens", choice.Tokens);
            json.WriteNumber("probability", choice.Probability);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteConditioning(Utf8JsonWriter json, ConditionalStatistics statistics)
    {
        json.WriteNumber("tries", statistics.Tries);
        if (statistics.Particles == 0)
            return;
        json.WriteNumber("particles", statistics.Particles);
        json.WriteNumber("effective_sample_size", Math.Round(statistics.EffectiveSampleSize, 2));
    }

    /// <summary>"exact", "estimate", "evidence", "open-gap" and so on.</summary>
    public static string NameOf<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.KebabCaseLower.ConvertName(value.ToString());

    /// <summary>Writes the posterior of a length.</summary>
    public static void WriteLengths(Utf8JsonWriter json, IReadOnlyList<LengthProbability> lengths)
    {
        json.WriteStartArray("lengths");
        foreach (LengthProbability one in lengths)
        {
            json.WriteStartObject();
            json.WriteNumber("tokens", one.Tokens);
            json.WriteNumber("probability", one.Probability);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
