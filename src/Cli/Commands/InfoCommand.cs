using System.CommandLine;
using AsArm.Cli.Bench;
using AsArm.Cli.Options;
using AsArm.Cli.Output;
using AsArm.Cli.Streams;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx;
using AsArm.Inference.Onnx.Providers;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Tokenization;
using Spectre.Console;

namespace AsArm.Cli.Commands;

/// <summary>asarm info: what a model folder holds.</summary>
internal static class InfoCommand
{
    public static Command Create()
    {
        Option<string?> model = CommonOptions.Model();
        var devices = new Option<bool>("--devices") { Arity = ArgumentArity.Zero, Description = "Show execution providers and devices instead, and what is missing for others" };
        Option<string?> library = DeviceArguments.Library();
        var command = new Command("info", "What a model folder holds, its inputs and outputs, and the devices there are") { model, devices, library };
        command.SetAction(parsed =>
        {
            CommandStreams streams = CommandConfiguration.StreamsOf(parsed);
            if (parsed.GetValue(devices))
                return parsed.GetValue(model) is null ? DeviceInfo.Print(parsed.GetValue(library), streams) : throw new UsageException("--devices goes without --model.");
            return parsed.GetValue(library) is null ? Run(parsed.ModelFolder(model), streams) : throw new UsageException("--ep-library goes with --devices.");
        });
        return command;
    }

    private static int Run(string path, CommandStreams streams)
    {
        ModelFolder folder = ModelFolder.Open(path);
        // Both are opened before anything is printed, so that a bad one yields its error only.
        List<Table> graphs = [Ports(folder, useCache: false)];
        if (folder.CachedOnnxPath is not null)
            graphs.Add(Ports(folder, useCache: true));
        ModelManifest manifest = folder.Manifest;
        Table facts = Tables.Create("model", Markup.Escape(folder.Name));
        facts.AddRow("folder", Markup.Escape(folder.FullPath));
        facts.AddRow("network", $"{Counts.Of(manifest.Layers, "layer")} of {Counts.Of(manifest.Heads, "head")}, width {manifest.ModelDimension}");
        facts.AddRow("precision", Markup.Escape(manifest.Precision) + (manifest.GroupSize is int size ? $", a group scale for every {Counts.Of(size, "weight")}" : ""));
        facts.AddRow("vocabulary", $"{Counts.Of(manifest.VocabularySize, "token")}, {DescribeTokenizer(folder)}");
        if (folder.HasTokenizer)
            facts.AddRow("text", DescribeTextRules(manifest));
        facts.AddRow("cache", folder.CachedOnnxPath is null
            ? "none: every forward pass encodes the whole text"
            : $"{manifest.CacheBytesPerToken:N0} bytes per token of each text in progress");
        facts.AddRow("maximum length", Counts.Of(manifest.MaxLength, "token"));
        facts.AddRow("drafting", DraftingSummary.Of(manifest.Drafting));
        facts.AddRow("format", $"{manifest.FormatVersion}");
        facts.AddRow("devices", string.Join(", ", AvailableDevices.List()));
        Tables.Print(facts, streams);

        Table files = Tables.Create("file", "bytes", "sha-256");
        foreach ((string name, ModelManifest.FileEntry entry) in folder.Manifest.Files)
            files.AddRow(Markup.Escape(name), $"{entry.Bytes:N0}", Markup.Escape(entry.Sha256));
        Tables.Print(files, streams);

        graphs.ForEach(graph => Tables.Print(graph, streams));
        return ExitCode.Done;
    }

    private static string DescribeTokenizer(ModelFolder folder) =>
        !folder.HasTokenizer ? "no tokenizer: tokens only"
        : folder.Manifest.Tokenizer is null ? "SentencePiece tokenizer"
        : "byte-level BPE tokenizer";

    private static string DescribeTextRules(ModelManifest manifest)
    {
        string rules = manifest.TextRules is not TextRules options ? "as given"
            : "XLNet's rules" + (options.Backend is null ? "" : ", as the fast tokenizer") + (options.DoLowerCase ? ", lower case" : "") + (options.KeepAccents ? ", accents kept" : "");
        return manifest.TextEncoding is null ? rules : $"{rules}, white space as in {manifest.TextEncoding}";
    }

    private static Table Ports(ModelFolder folder, bool useCache)
    {
        using OnnxAnySubsetModel model = OnnxModelLoader.Open(folder, useCache: useCache);
        Table table = Tables.Create(Path.GetFileName(model.GraphPath), "name", "type", "shape");
        foreach (GraphPort port in model.Ports)
            table.AddRow(port.IsInput ? "input" : "output", Markup.Escape(port.Name), port.Type, Markup.Escape(port.Shape));
        return table;
    }
}
