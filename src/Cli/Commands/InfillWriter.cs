using System.Text.Json;
using AsArm.Assd.Samplers;
using AsArm.Cli.Lines;
using AsArm.Cli.Output;
using AsArm.Cli.Streams;
using AsArm.Inference.Devices;
using AsArm.Inference.Infilling;

namespace AsArm.Cli.Commands;

/// <summary>Prints filled texts: the text on standard output with a line of figures on standard error, or JSON.</summary>
internal sealed class InfillWriter(string model, Device device)
{
    public void WriteText(InfillOutcome outcome)
    {
        InfillResult result = outcome.ResultOrThrow();
        // Not through a console library: it would wrap long lines, and given text has to come back as it was.
        Console.Out.WriteLine(result.Text);
        SamplingStatistics counts = result.Statistics;
        string windows = result.Windows == 1 ? "" : $" of {Counts.Of(result.Windows, "window")}";
        Console.Error.WriteLine(
            $"{Counts.Of(counts.Generated, "token")} in {Counts.Of(counts.Nfe, "model call")}{windows} ({InfillCommand.NameOf(outcome.Request.Options.Sampler)}), " +
            $"log probability {counts.LogProbability:F2}, seed {result.Seed}, {model}, {DeviceNames.NameOf(device)}");
    }

    /// <summary>One object, of one text or of its samples.</summary>
    public void WriteJson(IReadOnlyList<InfillOutcome> outcomes, bool asArray) => StandardStreams.Output.Write(ReadableJson.Line(json =>
    {
        json.WriteStartObject();
        if (asArray)
            WriteSamples(json, outcomes);
        else
            WriteFields(json, outcomes[0]);
        json.WriteEndObject();
    }).Span);

    /// <summary>One line of JSON for a line of an input file.</summary>
    public ReadOnlyMemory<byte> ToJsonLine(InfillLine line) => ReadableJson.Line(json =>
    {
        json.WriteStartObject();
        if (line.Id is string id)
        {
            json.WritePropertyName("id");
            json.WriteRawValue(id, skipInputValidation: true);
        }

        json.WriteNumber("line", line.Number);
        if (line.LineError is string error)
            json.WriteString("error", error);
        else if (line.HasSamples)
            WriteSamples(json, line.Outcomes);
        else
            WriteFields(json, line.Outcomes[0]);
        json.WriteEndObject();
    });

    private void WriteSamples(Utf8JsonWriter json, IReadOnlyList<InfillOutcome> outcomes)
    {
        json.WriteStartArray("samples");
        foreach (InfillOutcome outcome in outcomes)
        {
            json.WriteStartObject();
            WriteFields(json, outcome);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void WriteFields(Utf8JsonWriter json, InfillOutcome outcome)
    {
        if (outcome.Result is not InfillResult result)
        {
            json.WriteString("error", outcome.Error!.Message);
            if (outcome.Request.Options.Seed is long seed)
                json.WriteNumber("seed", seed);
            return;
        }

        json.WriteString("text", result.Text);
        json.WriteStartArray("gaps");
        foreach (string gap in result.Gaps)
            json.WriteStringValue(gap);
        json.WriteEndArray();
        json.WriteNumber("tokens", result.Statistics.Generated);
        json.WriteNumber("nfe", result.Statistics.Nfe);
        json.WriteNumber("drafted", result.Statistics.Drafted);
        json.WriteNumber("accepted", result.Statistics.Accepted);
        json.WriteNumber("log_prob", result.Statistics.LogProbability);
        json.WriteNumber("elapsed_ms", Math.Round(result.Elapsed.TotalMilliseconds, 3));
        json.WriteString("sampler", InfillCommand.NameOf(outcome.Request.Options.Sampler));
        json.WriteNumber("seed", result.Seed);
        if (result.Windows > 1)
            json.WriteNumber("windows", result.Windows);
        if (result.Warning is string warning)
            json.WriteString("warning", warning);
        json.WriteString("model", model);
        json.WriteString("device", DeviceNames.NameOf(device));
    }
}
