using System.CommandLine;
using AsArm.Inference;
using Spectre.Console;

namespace AsArm.Cli;

/// <summary>asarm verify: replays recorded inputs and compares with the recorded logits.</summary>
internal static class VerifyCommand
{
    public static Command Create()
    {
        Option<string?> model = CommonOptions.Model();
        Option<Device> device = CommonOptions.Device();
        Option<bool> tf32 = CommonOptions.AllowTf32();
        Option<string?> golden = CommonOptions.Path("--golden", "FILE", "Recorded inputs and outputs (default: golden.safetensors of the model folder)");
        Option<double?> tolerance = CommonOptions.OptionalNumber<double>("--tolerance", "X", "Largest difference of a logit that passes (default: of the model's precision, 1e-4 for float32)", value => value >= 0 && double.IsFinite(value), "a number of at least 0");
        Option<double?> relative = CommonOptions.OptionalNumber<double>("--relative-tolerance", "X", "Largest relative error of a distribution's logits that passes as well (default: of the model's precision, none for float32)", value => value >= 0 && double.IsFinite(value), "a number of at least 0");
        var command = new Command("verify", "Replay the recorded results of a model folder") { model, golden, tolerance, relative, device, tf32 };
        command.SetAction((parsed, cancellation) => Task.Run(
            () => Run(parsed.ModelFolder(model), parsed.GetValue(golden), (parsed.GetValue(tolerance), parsed.GetValue(relative)), parsed.GetValue(device), parsed.IsTf32(tf32, parsed.GetValue(device)), cancellation), cancellation));
        return command;
    }

    private static int Run(string path, string? golden, (double? Tolerance, double? Relative) asked, Device device, bool allowTf32, CancellationToken cancellation)
    {
        ModelFolder folder = ModelFolder.Open(path);
        golden ??= folder.GoldenPath ?? throw new UsageException($"{path} holds no golden.safetensors: name a file with --golden.");
        double tolerance = asked.Tolerance ?? folder.Manifest.Tolerance, limit = asked.Relative ?? folder.Manifest.RelativeTolerance;
        Table table = Tables.Create("graph", "precision", "cases", "worst difference", "in case", "tolerance", "relative error", "limit", "KL divergence", "verdict");
        var failures = new List<string>();
        foreach (bool useCache in folder.CachedOnnxPath is null ? [false] : new[] { false, true })
        {
            using OnnxAnySubsetModel model = OnnxAnySubsetModel.Open(folder, device, useCache: useCache, allowTf32: allowTf32);
            IReadOnlyList<GoldenDifference> differences = GoldenReplay.Run(model, golden, cancellation);
            GoldenDifference worst = differences.MaxBy(difference => difference.MaximumDifference)!;
            double divergence = differences.Sum(difference => difference.Rows * difference.Divergence) / differences.Sum(difference => difference.Rows);
            double relative = differences.Max(difference => difference.RelativeError);
            bool passed = worst.MaximumDifference <= tolerance && relative <= limit;
            table.AddRow(
                Path.GetFileName(model.GraphPath), Markup.Escape(folder.Manifest.Precision), $"{differences.Count}", $"{worst.MaximumDifference:0.0e-0}", Markup.Escape(worst.Case), $"{tolerance:0.0e-0}",
                $"{relative:0.0e-0}", double.IsFinite(limit) ? $"{limit:0.0e-0}" : "", $"{divergence:0.0e-0}",
                passed ? "[green]passed[/]" : "[red]failed[/]");
            if (!(worst.MaximumDifference <= tolerance))
                failures.Add($"{model.GraphPath} is off by {worst.MaximumDifference:0.0e-0}, over the tolerance of {tolerance:0.0e-0}.");
            else if (!passed)
                failures.Add($"{model.GraphPath} has a relative error of {relative:0.0e-0}, over the relative tolerance of {limit:0.0e-0}.");
        }

        Tables.Print(table);
        foreach (string failure in failures)
            Console.Error.WriteLine($"asarm: {failure}");
        return failures.Count == 0 ? ExitCode.Done : ExitCode.Failed;
    }
}
