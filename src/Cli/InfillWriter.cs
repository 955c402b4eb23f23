using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using AsArm.Assd;
using AsArm.Inference;

namespace AsArm.Cli;

/// <summary>Prints filled texts: the text on standard output with a line of figures on standard error, or JSON.</summary>
internal sealed class InfillWriter(string model, SamplerKind sampler, Device device)
{
    /// <summary>Readable text: only what JSON itself demands is escaped.</summary>
    public static readonly JsonWriterOptions JsonOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public void WriteText(IReadOnlyList<InfillResult> results)
    {
        PrintWarning(results[0]);
        foreach (InfillResult result in results)
        {
            // Not through a console library: it would wrap long lines, and given text has to come back as it was.
            Console.Out.WriteLine(result.Text);
            SamplingStatistics counts = result.Statistics;
            Console.Error.WriteLine(
                $"{counts.Generated} tokens in {counts.Nfe} model calls{(result.Windows == 1 ? "" : $" of {result.Windows} windows")} ({InfillCommand.NameOf(sampler)}), " +
                $"log probability {counts.LogProbability:F2}, seed {result.Seed}, {model}, {Devices.NameOf(device)}");
        }
    }

    public void WriteJson(IReadOnlyList<InfillResult> results, bool asArray)
    {
        PrintWarning(results[0]);
        using Stream output = Console.OpenStandardOutput();
        using (var json = new Utf8JsonWriter(output, JsonOptions))
        {
            if (asArray)
            {
                json.WriteStartObject();
                json.WriteStartArray("samples");
            }

            foreach (InfillResult result in results)
                WriteObject(json, result, line: null);
            if (asArray)
            {
                json.WriteEndArray();
                json.WriteEndObject();
            }
        }

        output.Write("\n"u8);
    }

    /// <summary>One line of JSON for a line of an input file.</summary>
    public string ToJsonLine(InfillResult result, int line)
    {
        using var memory = new MemoryStream();
        using (var json = new Utf8JsonWriter(memory, JsonOptions))
            WriteObject(json, result, line);
        return Encoding.UTF8.GetString(memory.ToArray());
    }

    /// <summary>Samples of a text share it.</summary>
    private static void PrintWarning(InfillResult result)
    {
        if (result.Warning is string warning)
            Console.Error.WriteLine($"asarm: {warning}");
    }

    private void WriteObject(Utf8JsonWriter json, InfillResult result, int? line)
    {
        json.WriteStartObject();
        if (line is int number)
            json.WriteNumber("line", number);
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
        json.WriteString("sampler", InfillCommand.NameOf(sampler));
        json.WriteNumber("seed", result.Seed);
        if (result.Windows > 1)
            json.WriteNumber("windows", result.Windows);
        if (result.Warning is string warning)
            json.WriteString("warning", warning);
        json.WriteString("model", model);
        json.WriteString("device", Devices.NameOf(device));
        json.WriteEndObject();
    }
}
