using System.Text.Json;
using AsArm.Cli.Options;
using AsArm.Inference.Devices;
using AsArm.Inference.Infilling;
using AsArm.Inference.Text;

namespace AsArm.Cli.Output;

/// <summary>The JSON fields of filled texts; docs/json-lines.md is their contract.</summary>
internal sealed class OutcomeJson(string model, Device device)
{
    /// <summary>The fields of one text, or of all samples of a text.</summary>
    /// <param name="json">Inside an object.</param>
    /// <param name="outcomes">One, or as many as there are samples.</param>
    /// <param name="asSamples">Whether they are samples.</param>
    public void Write(Utf8JsonWriter json, IReadOnlyList<InfillOutcome> outcomes, bool asSamples)
    {
        if (asSamples)
            WriteSamples(json, outcomes);
        else
            WriteFields(json, outcomes[0]);
    }

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
        if (result.OpenPrompt is InfillPrompt open)
            json.WriteString("markup", open.ToString());
        json.WriteStartArray("gaps");
        foreach (InfilledGap gap in result.Gaps)
            json.WriteStringValue(gap.Text);
        json.WriteEndArray();
        GapJson.Write(json, result.Gaps, outcome.Request.Options.Entropies);
        json.WriteNumber("tokens", result.Statistics.Generated);
        json.WriteNumber("nfe", result.Statistics.Nfe);
        json.WriteNumber("drafted", result.Statistics.Drafted);
        json.WriteNumber("accepted", result.Statistics.Accepted);
        json.WriteNumber("log_prob", result.Statistics.LogProbability);
        json.WriteNumber("elapsed_ms", Math.Round(result.Elapsed.TotalMilliseconds, 3));
        json.WriteString("sampler", ChoiceNames.NameOf(outcome.Request.Options.Sampler));
        json.WriteNumber("seed", result.Seed);
        if (result.Windows > 1)
            json.WriteNumber("windows", result.Windows);
        if (result.Warning is string warning)
            json.WriteString("warning", warning);
        json.WriteString("model", model);
        json.WriteString("device", device.ToString());
    }
}
