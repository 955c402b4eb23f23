using AsArm.Cli.Output;

namespace AsArm.Cli.Lines;

/// <summary>The line of JSON for a line of an input file.</summary>
internal sealed class LineJson(OutcomeJson outcomes)
{
    public ReadOnlyMemory<byte> Write(InfillLine line) => ReadableJson.Line(json =>
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
        else
            outcomes.Write(json, line.Outcomes, line.HasSamples);
        json.WriteEndObject();
    });
}
