using System.CommandLine;
using AsArm.Cli.Options;
using AsArm.Cli.Output;
using AsArm.Cli.Streams;
using AsArm.Inference.Devices;
using AsArm.Inference.Infilling;
using AsArm.Inference.Text;
using Spectre.Console;

namespace AsArm.Cli.Commands;

/// <summary>asarm score: the exact log-probability of marked spans.</summary>
internal static class ScoreCommand
{
    public static Command Create()
    {
        var text = new Argument<string?>("TEXT") { Description = "Text with marked spans: [[...]] is scored given all the rest; \\[ is a plain [, and \\\\[ a backslash before a span" };
        Option<string?> model = CommonOptions.Model();
        var devices = new DeviceArguments();
        Option<bool> noCache = CommonOptions.NoCache();
        Option<bool> float32 = CommonOptions.Float32();
        Option<bool> window = CommonOptions.Window("score all spans");
        Option<bool> json = CommonOptions.Json();
        var command = new Command("score", "Exact log-probability of the marked spans, in one forward pass") { text, model, window, noCache, float32, json };
        foreach (Option option in devices.Options)
            command.Add(option);
        command.SetAction((parsed, cancellationToken) => Task.Run(
            () =>
            {
                string given = ArgumentText.Of(parsed, text)!;
                (Device device, DeviceOptions deviceOptions) = devices.Of(parsed);
                using TextInfiller infiller = TextInfiller.Open(
                    parsed.ModelFolder(model),
                    new TextInfillerOptions { Device = device, DeviceOptions = deviceOptions, UseCache = !parsed.GetValue(noCache), UseFloat32 = parsed.GetValue(float32) });
                ScoreResult score = infiller.Score(ScorePrompt.Parse(given), new ScoreOptions { Window = parsed.GetValue(window) }, cancellationToken);
                if (parsed.GetValue(json))
                    WriteJson(score, CommandConfiguration.StreamsOf(parsed));
                else
                    WriteTable(score, CommandConfiguration.StreamsOf(parsed));
                return ExitCode.Done;
            },
            cancellationToken));
        return command;
    }

    private static void WriteTable(ScoreResult score, CommandStreams streams)
    {
        Table table = Tables.Create("span", "tokens", "log probability", "nats per token");
        foreach (SpanScore span in score.Spans)
            AddRow(table, Markup.Escape(span.Text), span.Tokens, span.LogProbability);
        if (score.Spans.Count > 1)
            AddRow(table, "[bold]all, jointly[/]", score.Tokens, score.LogProbability);
        Tables.Print(table, streams);
    }

    private static void AddRow(Table table, string name, int tokens, double logProbability) =>
        table.AddRow(name, $"{tokens}", $"{logProbability:F4}", $"{-logProbability / tokens:F4}");

    private static void WriteJson(ScoreResult score, CommandStreams streams) => streams.Output.Write(ReadableJson.Line(json =>
    {
        json.WriteStartObject();
        json.WriteNumber("log_prob", score.LogProbability);
        json.WriteNumber("tokens", score.Tokens);
        json.WriteStartArray("spans");
        foreach (SpanScore span in score.Spans)
        {
            json.WriteStartObject();
            json.WriteString("text", span.Text);
            json.WriteNumber("log_prob", span.LogProbability);
            json.WriteNumber("tokens", span.Tokens);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }).Span);
}
