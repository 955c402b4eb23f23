using AsArm.Cli.Bench;
using AsArm.Inference.DraftMeasurement;
using AsArm.Inference.Infilling;

namespace AsArm.Perf.Samplers;

/// <summary>The last lines: the best of the exact samplers at temperature 1, one text at a time.</summary>
internal static class SamplersSummary
{
    private static readonly (BenchKind Kind, string Name)[] s_others =
        [(BenchKind.Scattered95, "95 %"), (BenchKind.Scattered50, "50 %"), (BenchKind.Continuation, "continuation")];

    private static readonly (BenchKind Kind, string Name)[] s_gaps = [(BenchKind.OneGap, "one gap"), (BenchKind.ManyGaps, "many gaps")];

    public static void Print(SamplerRun[] runs, CostCurve? curve, SamplerVariant? tuned)
    {
        SamplerRun first = runs[0];
        Console.WriteLine();
        PrintEach(s_others, "tokens per call best/assd", kind => TokensPerForwardPass(first, kind));
        PrintEach(s_others, "time per token sequential/best", kind => Speed(first, kind));
        PrintEach(
            [.. s_others, .. s_gaps],
            "decoding only, time per token sequential/best",
            kind => first.Best(tally => tally.LaterSpeedOver(first[kind, SamplerKind.Sequential]), kind));
        Console.WriteLine($"slowest fused/sequential of any kind and batch: {Slowest(runs, ratio => ratio.Value):F3}");
        Console.WriteLine($"least upper end of its 95 % interval: {Slowest(runs, ratio => ratio.Value + ratio.Error):F3}");
        PrintEach(s_gaps, "tokens per call best/assd", kind => TokensPerForwardPass(first, kind));
        PrintEach(s_gaps, "time per token sequential/best", kind => Speed(first, kind));
        string atBaseSize = curve is null ? "left out" : $"{AtBaseSize(first, BenchKind.OneGap, curve, tuned!):F3}";
        Console.WriteLine($"time per token sequential/best base size one gap: {atBaseSize}");
    }

    private static void PrintEach((BenchKind Kind, string Name)[] kinds, string what, Func<BenchKind, double> ratio)
    {
        foreach ((BenchKind kind, string name) in kinds)
            Console.WriteLine($"{what} {name}: {ratio(kind):F3}");
    }

    private static double TokensPerForwardPass(SamplerRun run, BenchKind kind) => run.Best(tally => tally.TokensPerForwardPassOver(run[kind, SamplerKind.Assd]), kind);

    private static double Speed(SamplerRun run, BenchKind kind) => run.Best(tally => tally.SpeedOver(run[kind, SamplerKind.Sequential]), kind);

    private static double AtBaseSize(SamplerRun run, BenchKind kind, CostCurve curve, SamplerVariant tuned) =>
        BaseSizeReport.Exact(tuned).Max(variant => run[kind, variant].SpeedOver(run[kind, SamplerKind.Sequential], curve).Value);

    /// <summary>At either temperature.</summary>
    private static double Slowest(SamplerRun[] runs, Func<PairedRatio, double> value) => runs.Min(run => Enum.GetValues<BenchKind>().Min(
        kind => value(run[kind, SamplerKind.Fused].SpeedOver(run[kind, SamplerKind.Sequential]))));
}
