using System.CommandLine;
using AsArm.Cli.Lines;
using AsArm.Cli.Options;
using AsArm.Cli.Output;
using AsArm.Cli.Streams;
using AsArm.Inference.Devices;
using AsArm.Inference.Infilling;
using AsArm.Inference.Text;

namespace AsArm.Cli.Commands;

/// <summary>asarm score: the exact log-probability of marked spans, of a text or of each line of a file.</summary>
internal static class ScoreCommand
{
    public static Command Create()
    {
        var text = new Argument<string?>("TEXT")
        {
            Description = "Text with marked spans: [[...]] is scored given all the rest; \\[ is a plain [, and \\\\[ a backslash before a span",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Option<string?> input = CommonOptions.Path("--input", "FILE|-", "Score every line: {\"text\": \"...\", \"id\": ..., ...} or, of a file .txt, the text itself; - is standard input (docs/json-lines.md has all fields)");
        Option<string?> output = CommonOptions.Path("--output", "FILE.jsonl|-", "Where the scores of the lines go, one JSON object each; - is standard output (default)");
        Option<LineFormat?> format = CommonOptions.OptionalChoice("--format", "What the lines of --input are (default: text for a file .txt, else jsonl)", ScoreNames.Formats);
        Option<ScoreDetail> per = CommonOptions.Choice("--per", "What is listed: marked spans, their words, or their tokens with the entropies of their distributions", ScoreNames.Details);
        var whole = new Option<bool>("--whole") { Arity = ArgumentArity.Zero, Description = "Score the whole text, from left to right; nothing in it is markup" };
        var pseudo = new Option<bool>("--pseudo") { Arity = ArgumentArity.Zero, Description = "Compute the pseudo-log-likelihood too, for comparison: each token given all others; a sequence for each token" };
        Option<string?> model = CommonOptions.Model();
        var devices = new DeviceArguments();
        Option<bool> noCache = CommonOptions.NoCache();
        Option<bool> float32 = CommonOptions.Float32();
        Option<bool> window = CommonOptions.Window("score all spans");
        Option<bool> json = CommonOptions.Json();
        var command = new Command("score", "Exact log-probability of the marked spans, in one forward pass")
        {
            text, input, output, format, model, per, whole, pseudo, window, noCache, float32, json,
        };
        foreach (Option option in devices.Options)
            command.Add(option);
        command.SetAction((parsed, cancellationToken) =>
        {
            (Device device, DeviceOptions deviceOptions) = devices.Of(parsed);
            var arguments = new ScoreArguments
            {
                Text = ArgumentText.Of(parsed, text),
                Input = parsed.GetValue(input),
                Output = parsed.GetValue(output),
                Format = parsed.GetValue(format),
                Model = parsed.ModelFolder(model),
                ModelOptions = new TextInfillerOptions { Device = device, DeviceOptions = deviceOptions, UseCache = !parsed.GetValue(noCache), UseFloat32 = parsed.GetValue(float32) },
                Query = new ScoreQuery(parsed.GetValue(per), parsed.GetValue(whole), parsed.GetValue(window), parsed.GetValue(pseudo)),
                Json = parsed.GetValue(json),
            };
            CommandStreams streams = CommandConfiguration.StreamsOf(parsed);
            return Task.Run(() => RunAsync(arguments, streams, cancellationToken), cancellationToken);
        });
        return command;
    }

    private static async Task<int> RunAsync(ScoreArguments arguments, CommandStreams streams, CancellationToken cancellationToken)
    {
        if (arguments.Text is null == arguments.Input is null)
            throw new UsageException("score takes either a TEXT or --input.");
        if (arguments.Input is not null)
            return await new ScoreLines(arguments, arguments.Input, streams).RunAsync(cancellationToken);
        if (arguments.Output is not null || arguments.Format is not null)
            throw new UsageException($"{(arguments.Output is not null ? "--output" : "--format")} goes with --input.");
        ScorePrompt prompt = arguments.Query.PromptOf(arguments.Text!);
        using TextInfiller infiller = arguments.Open();
        ScoreResult score = infiller.Score(prompt, arguments.Query.Options, cancellationToken);
        DeviceNotice.Print(infiller, streams.Error);
        if (arguments.Json)
            WriteJson(score, arguments.Query.Detail, streams);
        else
            ScoreTable.Print(score, arguments.Query.Detail, streams);
        return ExitCode.Done;
    }

    private static void WriteJson(ScoreResult score, ScoreDetail detail, CommandStreams streams) => streams.Output.Write(ReadableJson.Line(json =>
    {
        json.WriteStartObject();
        ScoreJson.Write(json, score, detail);
        json.WriteEndObject();
    }).Span);
}
