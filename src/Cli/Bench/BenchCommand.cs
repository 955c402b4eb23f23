using System.CommandLine;
using AsArm.Benchmarks.Samplers;
using AsArm.Benchmarks.Tables;
using AsArm.Benchmarks.Texts;
using AsArm.Cli.Options;
using AsArm.Cli.Output;
using AsArm.Cli.Streams;
using AsArm.Inference.Devices;
using AsArm.Inference.DraftMeasurement;
using AsArm.Inference.Infilling;

namespace AsArm.Cli.Bench;

/// <summary>asarm bench: the samplers side by side; with --write the drafting figures of a model.</summary>
internal static class BenchCommand
{
    private const int DefaultRepeats = 3;

    public static Command Create()
    {
        Option<string?> model = CommonOptions.Model();
        var devices = new DeviceArguments();
        Option<int?> threads = CommonOptions.Threads();
        Option<int?> repeats = CommonOptions.OptionalNumber<int>("--repeats", "N", $"Seeds for each text, with --write times 160 prompts (default {DefaultRepeats})", value => value is >= 1 and <= 1000, "an integer from 1 to 1000");
        var write = new Option<bool>("--write") { Arity = ArgumentArity.Zero, Description = "Measure how often drafts are accepted and what a forward pass costs, and write it into asarm.json of the model, where fused plans by it" };
        var texts = new Option<string[]>("--text")
        {
            Description = "Held-out text for --write, documents split by <|endoftext|>; several files count alike (default: the texts of the bench)",
            HelpName = "FILE",
            AllowMultipleArgumentsPerToken = true,
        };
        var command = new Command("bench", "Compare the samplers on fixed texts: forward passes, tokens per forward pass, time") { model, threads, repeats, write, texts };
        foreach (Option option in devices.Options)
            command.Add(option);
        command.SetAction((parsed, cancellationToken) => Task.Run(
            () =>
            {
                CommandStreams streams = CommandConfiguration.StreamsOf(parsed);
                string[] files = parsed.GetValue(texts) ?? [];
                if (files.Length > 0 && !parsed.GetValue(write))
                    throw new UsageException("--text goes with --write.");
                (Device device, DeviceOptions deviceOptions) = devices.Of(parsed);
                if (parsed.GetValue(write) && !Device.WellKnown.Any(known => known.Name == device.Name))
                    throw new UsageException("--write goes with --device cpu, cuda or tensorrt: asarm.json has no figures of others.");
                IReadOnlyList<DraftingText> heldOut = BenchWriter.Read(files);
                using TextInfiller infiller = TextInfiller.Open(
                    parsed.ModelFolder(model),
                    new TextInfillerOptions { Device = device, DeviceOptions = deviceOptions, Threads = parsed.GetValue(threads) });
                int count = parsed.GetValue(repeats) ?? DefaultRepeats;
                return parsed.GetValue(write)
                    ? BenchWriter.Run(infiller, device, heldOut, count, streams, cancellationToken)
                    : Compare(infiller, device, count, streams, cancellationToken);
            },
            cancellationToken));
        return command;
    }

    private static int Compare(TextInfiller infiller, Device device, int repeats, CommandStreams streams, CancellationToken cancellationToken)
    {
        foreach (TextKind kind in TextKinds.All)
        {
            for (int i = 0; i < BenchmarkTexts.Count; i++)
                infiller.Validate(BenchmarkTexts.Get(kind, i)); // before anything is printed
        }

        var report = new BenchReport(streams);
        streams.OutputWriter.WriteLine(
            $"{infiller.Folder.Name}, {device}: {Counts.Of(BenchmarkTexts.Count, "text")} of each kind, {Counts.Of(repeats, "seed")} each. Intervals are of 95 %, over texts. "
            + "Times are of this run only: read the ratios. Passes are forward passes of one sequence, processed the content and query tokens of one. All samplers but parallel draw from the same distribution.");
        SamplerTable? first = null;
        foreach (int batch in new[] { 1, BenchmarkTexts.Count })
        {
            foreach (double temperature in new[] { 1, 0.7 })
            {
                var run = new SamplerRun(infiller, SamplerVariant.All, new(temperature, batch, repeats, IntervalUnit.Text));
                run.Run(cancellationToken);
                var table = SamplerTable.Of(run);
                report.Print(table);
                first ??= table;
            }
        }

        report.PrintVariations(gap => TotalVariation.Measure(infiller, gap, 4 * repeats, cancellationToken));
        report.PrintOverhead(
            DraftingMeasurement.MeasureOverhead(infiller, 1, cancellationToken), DraftingMeasurement.MeasureOverhead(infiller, TextInfiller.MaxBatchSize, cancellationToken));
        report.PrintRatios(first!);
        return ExitCode.Done;
    }
}
