using System.CommandLine;
using AsArm.Cli.Options;
using AsArm.Cli.Output;
using AsArm.Cli.Streams;
using AsArm.Inference.Devices;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Verification;
using Spectre.Console;

namespace AsArm.Cli.Commands;

/// <summary>asarm verify: replays recorded inputs and compares with the recorded logits.</summary>
internal static class VerifyCommand
{
    public static Command Create()
    {
        Option<string?> model = CommonOptions.Model();
        var devices = new DeviceArguments();
        Option<string?> golden = CommonOptions.Path("--golden", "FILE", "Recorded inputs and outputs (default: golden.safetensors of the model folder)");
        var limits = new VerifyLimits();
        var command = new Command("verify", "Replay the recorded results of a model folder") { model, golden };
        foreach (Option option in devices.Options.Concat(limits.Options))
            command.Add(option);
        command.SetAction((parsed, cancellationToken) => Task.Run(
            () => Run(
                parsed.ModelFolder(model), parsed.GetValue(golden), manifest => limits.Of(manifest, parsed), devices.Of(parsed),
                CommandConfiguration.StreamsOf(parsed), cancellationToken),
            cancellationToken));
        return command;
    }

    private static int Run(
        string path, string? golden, Func<ModelManifest, VerifyLimits.Values> limitsOf, (Device Device, DeviceOptions Options) on, CommandStreams streams, CancellationToken cancellationToken)
    {
        ModelFolder folder = ModelFolder.Open(path);
        golden ??= folder.GoldenPath ?? throw new UsageException($"{path} holds no golden.safetensors: name a file with --golden.");
        VerifyLimits.Values limits = limitsOf(folder.Manifest);
        Table table = Tables.Create("graph", "precision", "cases", "worst logit difference", "in case", "mean KL", "worst KL", "worst variation", "relative KL", "verdict");
        table.AddRow("", "", "", Limit(limits.Tolerance), "[grey]limits[/]", Limit(limits.MeanDivergence), Limit(limits.WorstDivergence), Limit(limits.WorstVariation), Limit(limits.RelativeDivergence), "");
        var failures = new List<string>();
        foreach ((bool useCache, bool float32) in Graphs(folder, on.Device))
        {
            using OnnxAnySubsetModel model = OnnxModelLoader.Open(folder, on.Device, useCache: useCache, deviceOptions: on.Options, inFloat32: float32);
            IReadOnlyList<GoldenDifference> differences = GoldenReplay.Run(model, golden, cancellationToken);
            GoldenDifference worst = differences.MaxBy(difference => difference.MaxDifference)!;
            DistributionDifference all = DistributionDifference.Over([.. differences.Select(difference => difference.Distributions)]);
            string? failure = limits.Exceeded(worst.MaxDifference, all);
            table.AddRow(
                Path.GetFileName(model.GraphPath), Markup.Escape(folder.Manifest.Precision), $"{differences.Count}", Number(worst.MaxDifference), Markup.Escape(worst.Case),
                Number(all.MeanDivergence), Number(all.WorstDivergence), Number(all.WorstVariation), Number(all.RelativeDivergence),
                failure is null ? "[green]passed[/]" : "[red]failed[/]");
            if (failure is not null)
                failures.Add($"{model.GraphPath} {failure}.");
        }

        Tables.Print(table, streams);
        foreach (string failure in failures)
            streams.Error.WriteLine($"asarm: {failure}");
        return failures.Count == 0 ? ExitCode.Done : ExitCode.Failed;
    }

    /// <summary>Every graph that the device can run; a CPU runs those for GPUs too.</summary>
    private static IEnumerable<(bool UseCache, bool Float32)> Graphs(ModelFolder folder, Device device)
    {
        bool isGpu = device != Device.Cpu, hasFloat32Graphs = folder.Float32OnnxPath is not null;
        foreach (bool float32 in isGpu ? [hasFloat32Graphs] : hasFloat32Graphs ? [false, true] : new[] { false })
        {
            yield return (false, float32);
            if ((float32 ? folder.CachedFloat32OnnxPath : folder.CachedOnnxPath) is not null)
                yield return (true, float32);
        }
    }

    private static string Number(double value) => $"{value:0.0e-0}";

    private static string Limit(double value) => double.IsFinite(value) ? $"[grey]{Number(value)}[/]" : "";
}
