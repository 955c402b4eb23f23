using System.CommandLine;
using AsArm.Cli.Options;
using AsArm.Cli.Output;
using AsArm.Cli.Streams;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Text;
using Spectre.Console;

namespace AsArm.Cli.Commands;

/// <summary>asarm tokens: how many tokens a text has with its gaps, and how many the model takes.</summary>
internal static class TokensCommand
{
    public static Command Create()
    {
        var text = new Argument<string?>("TEXT") { Description = "Text, with or without gaps, as infill takes it" };
        Option<string?> model = CommonOptions.Model();
        var pieces = new Option<bool>("--pieces") { Arity = ArgumentArity.Zero, Description = "List the tokens too" };
        Option<bool> json = CommonOptions.Json();
        var command = new Command("tokens", "Count the tokens of a text with its gaps") { text, model, pieces, json };
        command.SetAction(parsed => Run(ArgumentText.Of(parsed, text)!, parsed.ModelFolder(model), parsed.GetValue(pieces), parsed.GetValue(json), CommandConfiguration.StreamsOf(parsed)));
        return command;
    }

    private static int Run(string text, string model, bool pieces, bool json, CommandStreams streams)
    {
        InfillPrompt prompt = InfillPrompt.Parse(text);
        ModelFolder folder = ModelFolder.Open(model);
        InfillTokenizer tokenizer = InfillTokenizer.Open(folder);
        TokenCount count = tokenizer.CountTokens(prompt, out int[] tokens);
        if (json)
            WriteJson(count, folder.Name, pieces ? tokens : null, tokenizer, streams);
        else
            WriteText(count, folder.Name, pieces ? tokens : [], tokenizer, streams);
        if (prompt.Warning is string warning)
            streams.Error.WriteLine($"asarm: {warning}");
        return ExitCode.Done;
    }

    private static void WriteText(TokenCount count, string model, int[] tokens, InfillTokenizer tokenizer, CommandStreams streams)
    {
        string separator = count.Separator == 0 ? "" : ", 1 separator before the gap at the beginning";
        streams.OutputWriter.WriteLine($"{Counts.Of(count.Total, "token")}: {count.Given} given, {count.Gaps} in gaps{separator}");
        streams.OutputWriter.WriteLine($"{model} takes {count.Maximum}{(count.Fits ? "" : ": too long, see infill --window")}");
        if (tokens.Length == 0)
            return;
        Table table = Tables.Create("token", "piece");
        foreach (int token in tokens)
            table.AddRow($"{token}", Markup.Escape(tokenizer.PieceOf(token)));
        Tables.Print(table, streams);
    }

    private static void WriteJson(TokenCount count, string model, int[]? tokens, InfillTokenizer tokenizer, CommandStreams streams) => streams.Output.Write(ReadableJson.Line(json =>
    {
        json.WriteStartObject();
        TokenCountJson.Write(json, count, model, tokens, tokenizer);
        json.WriteEndObject();
    }).Span);
}
