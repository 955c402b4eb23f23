using System.Text.Json;
using AsArm.Cli.Streams;
using AsArm.Inference.Devices;
using AsArm.Inference.Infilling;
using Spectre.Console;

namespace AsArm.Cli.Output;

/// <summary>Prints the most probable fillings of each gap: tables, or JSON, of which docs/json-lines.md is the contract.</summary>
/// <param name="markup">The markup of each gap.</param>
/// <param name="gaps">The fillings of each gap.</param>
/// <param name="streams">Those of the command.</param>
internal sealed class CandidateWriter(IReadOnlyList<string> markup, IReadOnlyList<GapCandidates> gaps, CommandStreams streams)
{
    /// <summary>A table for each gap; on standard error, which of them may lack a filling.</summary>
    public void WriteTables()
    {
        foreach ((int index, GapCandidates gap) in gaps.Index())
        {
            Table table = Tables.Create(gaps.Count == 1 ? "filling" : $"filling of gap {index + 1}", "probability", gap.Lengths.Count > 0 ? "log probability of the tokens" : "log probability");
            foreach (FillingCandidate filling in gap.Fillings)
                table.AddRow(Markup.Escape(filling.Text), Probability(filling.Probability), $"{filling.LogProbability:F4}");
            Tables.Print(table, streams);
            if (gap.Lengths.Count > 0)
                streams.Error.WriteLine($"gap {index + 1}: {gap.Lengths[0].Tokens} to {gap.Lengths[^1].Tokens} tokens (estimate)");
            if (!gap.IsComplete)
                streams.Error.WriteLine($"gap {index + 1}: the search may have missed a filling, more --beams miss less");
        }
    }

    private static string Probability(double value) => value >= 1e-3 ? $"{value:F4}" : $"{value:G2}";

    /// <summary>One object.</summary>
    public void WriteJson(string model, Device device) => streams.Output.Write(ReadableJson.Line(json =>
    {
        json.WriteStartObject();
        json.WriteStartArray("gaps");
        foreach ((int index, GapCandidates gap) in gaps.Index())
        {
            json.WriteStartObject();
            json.WriteString("markup", markup[index]);
            json.WriteString("accuracy", GapJson.NameOf(gap.Accuracy));
            json.WriteBoolean("complete", gap.IsComplete);
            if (gap.Lengths.Count > 0)
                GapJson.WriteLengths(json, gap.Lengths);
            json.WriteStartArray("candidates");
            foreach (FillingCandidate filling in gap.Fillings)
                WriteFilling(json, filling);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteString("model", model);
        json.WriteString("device", device.ToString());
        json.WriteEndObject();
    }).Span);

    private static void WriteFilling(Utf8JsonWriter json, FillingCandidate filling)
    {
        json.WriteStartObject();
        json.WriteString("text", filling.Text);
        json.WriteNumber("probability", filling.Probability);
        json.WriteNumber("log_prob", filling.LogProbability);
        TokenJson.Write(json, "token_details", filling.Tokens);
        json.WriteEndObject();
    }
}
