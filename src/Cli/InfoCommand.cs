using System.CommandLine;
using AsArm.Inference;
using Spectre.Console;

namespace AsArm.Cli;

/// <summary>asarm info: what a model folder holds.</summary>
internal static class InfoCommand
{
    public static Command Create()
    {
        Option<string?> model = CommonOptions.Model();
        var command = new Command("info", "What a model folder holds, its inputs and outputs, and the devices there are") { model };
        command.SetAction(parsed => Run(parsed.ModelFolder(model)));
        return command;
    }

    private static int Run(string path)
    {
        ModelFolder folder = ModelFolder.Open(path);
        using OnnxAnySubsetModel model = OnnxAnySubsetModel.Open(folder);
        ModelManifest manifest = folder.Manifest;
        Table facts = Tables.Create("model", Markup.Escape(folder.Name));
        facts.AddRow("folder", Markup.Escape(folder.FullPath));
        facts.AddRow("network", $"{manifest.Layers} layers of {manifest.Heads} heads, width {manifest.ModelDimension}, weights {manifest.Precision}");
        facts.AddRow("vocabulary", $"{manifest.VocabularySize} tokens, {(folder.TokenizerPath is null ? "no tokenizer: tokens only" : "SentencePiece tokenizer")}");
        facts.AddRow("longest text", $"{manifest.MaximumLength} tokens");
        facts.AddRow("format", $"{manifest.FormatVersion}");
        facts.AddRow("devices", string.Join(", ", Devices.Available().Select(Devices.NameOf)));
        Tables.Print(facts);

        Table files = Tables.Create("file", "bytes", "sha-256");
        foreach ((string name, ModelManifest.FileEntry entry) in folder.Manifest.Files)
            files.AddRow(Markup.Escape(name), $"{entry.Bytes:N0}", Markup.Escape(entry.Sha256));
        Tables.Print(files);

        Table ports = Tables.Create(Path.GetFileName(folder.OnnxPath), "name", "type", "shape");
        foreach (GraphPort port in model.Ports)
            ports.AddRow(port.IsInput ? "input" : "output", Markup.Escape(port.Name), port.Type, Markup.Escape(port.Shape));
        Tables.Print(ports);
        return ExitCode.Done;
    }
}
