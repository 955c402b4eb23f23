using AsArm.Benchmarks.Statistics;
using AsArm.Benchmarks.Tables;
using AsArm.Benchmarks.Texts;
using AsArm.Inference.Infilling;

namespace AsArm.Perf.Samplers;

/// <summary>The last lines: the best of the exact samplers at temperature 1, one text at a time.</summary>
internal static class SamplersSummary
{
    private static readonly (TextKind Kind, string Name)[] s_others =
        [(TextKind.Scattered95, "95 %"), (TextKind.Scattered50, "50 %"), (TextKind.Continuation, "continuation")];

    private static readonly (TextKind Kind, string Name)[] s_gaps = [(TextKind.OneGap, "one gap"), (TextKind.ManyGaps, "many gaps")];

    public static void Print(SamplersResults results)
    {
        SamplerTable first = results.Tables[0];
        Console.WriteLine();
        PrintEach(s_others, "tokens per pass best/assd", row => row.TokensPerForwardPassOverAssd);
        PrintEach(s_others, "time per token sequential/best", row => row.SpeedOverSequential);
        PrintEach([.. s_others, .. s_gaps], "decoding only, time per token sequential/best", row => row.DecodingSpeedOverSequential);
        Estimate[] fused = [.. results.Tables.SelectMany(table => table.Rows).Where(row => row.Sampler == SamplerKind.Fused).Select(row => row.SpeedOverSequential!)];
        Console.WriteLine($"slowest fused/sequential of any kind and batch: {fused.Min(ratio => ratio.Value):F3}");
        Console.WriteLine($"least upper end of its 95 % interval: {fused.Min(ratio => ratio.Value + (ratio.HalfInterval ?? 0)):F3}");
        PrintEach(s_gaps, "tokens per pass best/assd", row => row.TokensPerForwardPassOverAssd);
        PrintEach(s_gaps, "time per token sequential/best", row => row.SpeedOverSequential);
        string atBaseSize = results.BaseSize is null ? "left out" : $"{results.BaseSize.Best(first.Temperature, TextKind.OneGap):F3}";
        Console.WriteLine($"time per token sequential/best base size one gap: {atBaseSize}");

        void PrintEach((TextKind Kind, string Name)[] kinds, string what, Func<SamplerRow, Estimate?> ratio)
        {
            foreach ((TextKind kind, string name) in kinds)
                Console.WriteLine($"{what} {name}: {first.Best(kind, ratio):F3}");
        }
    }
}
