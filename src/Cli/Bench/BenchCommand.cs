using System.CommandLine;
using AsArm.Inference;

namespace AsArm.Cli;

/// <summary>asarm bench: the samplers side by side.</summary>
internal static class BenchCommand
{
    private const int UsualRepeats = 3;

    public static Command Create()
    {
        Option<string?> model = CommonOptions.Model();
        Option<Device> device = CommonOptions.Device();
        Option<bool> tf32 = CommonOptions.AllowTf32();
        Option<int?> threads = CommonOptions.Threads();
        Option<int?> repeats = CommonOptions.OptionalNumber<int>("--repeats", "N", $"Seeds for each text (default {UsualRepeats})", value => value is >= 1 and <= 1000, "a whole number from 1 to 1000");
        var command = new Command("bench", "Compare the samplers on fixed texts: model calls, tokens a call, time") { model, device, tf32, threads, repeats };
        command.SetAction((parsed, cancellation) => Task.Run(
            () => Run(parsed.ModelFolder(model), parsed.GetValue(device), parsed.IsTf32(tf32, parsed.GetValue(device)), parsed.GetValue(threads), parsed.GetValue(repeats) ?? UsualRepeats, cancellation),
            cancellation));
        return command;
    }

    private static int Run(string model, Device device, bool allowTf32, int? threads, int repeats, CancellationToken cancellation)
    {
        using TextInfiller infiller = TextInfiller.Open(model, device, threads, allowTf32: allowTf32);
        foreach (BenchKind kind in Enum.GetValues<BenchKind>())
        {
            for (int i = 0; i < BenchTexts.Count; i++)
                infiller.Validate(BenchTexts.Get(kind, i)); // before anything is printed
        }

        Console.WriteLine(
            $"{infiller.Folder.Name}, {Devices.NameOf(device)}: {Counts.Of(BenchTexts.Count, "text")} of each kind, {Counts.Of(repeats, "seed")} each. Intervals are of 95 %, over texts. "
            + "Times are of this run only: read the ratios. All samplers but parallel draw from the same law.");
        BenchRun? first = null;
        foreach (int batch in new[] { 1, BenchTexts.Count })
        {
            foreach (double temperature in new[] { 1, 0.7 })
            {
                var run = new BenchRun(infiller, temperature, batch, repeats);
                run.Run(cancellation);
                BenchReport.Print(run);
                first ??= run;
            }
        }

        BenchReport.PrintVariations(gap => BenchVariation.Measure(infiller, gap, 4 * repeats, cancellation));
        BenchReport.PrintCost(BenchCost.Measure(infiller.Model, cancellation));
        BenchReport.PrintRatios(first!);
        return ExitCode.Done;
    }
}
