using System.Text;
using System.Text.Json;
using AsArm.Cli.Options;
using AsArm.Inference.Text;

namespace AsArm.Cli.Lines;

/// <summary>Reads the lines of asarm score --input: JSON objects, whose fields docs/json-lines.md has, or texts.</summary>
/// <param name="format">What the lines are.</param>
/// <param name="defaults">The options of the command line, for what a line leaves out.</param>
internal sealed class ScoreLineParser(LineFormat format, ScoreQuery defaults)
{
    private static readonly string[] s_fields = ["text", "id", "per", "whole", "window", "pseudo"];

    /// <summary>The line with its text, or with what is wrong with it.</summary>
    public ScoreLine Parse(RawLine raw)
    {
        var line = new ScoreLine(raw.Number) { Query = defaults };
        try
        {
            if (format == LineFormat.Json)
                line.Error = LineFields.Read(raw, root => Read(root, line));
            else
                line.Prompt = defaults.PromptOf(TextOf(raw));
        }
        catch (Exception error) when (error is FormatException or InfillTextException)
        {
            line.Error = error.Message;
        }

        return line;
    }

    /// <summary>A line of text, in which only a byte order mark of the file and the end of the line are no text.</summary>
    private static string TextOf(RawLine raw)
    {
        ReadOnlyMemory<byte> bytes = LineFields.BytesOf(raw); // which refuses what is not UTF-8
        string text = Encoding.UTF8.GetString(raw.Number == 1 ? bytes.Span : raw.Bytes!.Value.Span);
        return text.EndsWith('\r') ? text[..^1] : text;
    }

    private void Read(JsonElement root, ScoreLine line)
    {
        line.Id = LineFields.IdOf(root); // before anything can be wrong
        var fields = new LineFields(root, s_fields);
        line.Query = new ScoreQuery(
            fields.Choice("per", ScoreNames.Details) ?? defaults.Detail, fields.Flag("whole") ?? defaults.Whole, fields.Flag("window") ?? defaults.Window, fields.Flag("pseudo") ?? defaults.Pseudo);
        line.Prompt = line.Query.PromptOf(fields.Text);
    }
}
