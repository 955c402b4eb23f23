using AsArm.Cli.Bench;
using AsArm.Inference.DraftMeasurement;
using AsArm.Inference.Infilling;
using static AsArm.Perf.Samplers.SamplersReport;

namespace AsArm.Perf.Samplers;

/// <summary>What the calls of the default model would have cost with a network of base size.</summary>
internal static class BaseSizeReport
{
    public static void Print(CostCurve curve, SamplerVariant tuned, IEnumerable<SamplerRun> runs)
    {
        Console.WriteLine(
            $"\nAcceptances of the default model, cost of the base-size network. A call of the network of base size (12 layers, width 768, vocabulary 32,000, float32) at "
            + $"{BaseSizeCost.Positions} positions with a full cache takes a + b content + c query tokens, a = {curve.Fixed:F2} ms, b = {curve.ContentToken:F3} ms, c = {curve.QueryToken:F3} ms; "
            + $"the worst residual is {curve.WorstResidual:F2} ms. Times of calls by turns, of each the fastest:\n");
        Console.WriteLine("| content + query tokens | ms | fitted |");
        Console.WriteLine("| --- | ---: | ---: |");
        foreach ((int content, int queries, double measured, double fitted) in curve.Points)
            Console.WriteLine($"| {content} + {queries} | {measured:F2} | {fitted:F2} |");
        Console.WriteLine(
            $"\nTime per token by that curve and the rows of every call of the default model but the first. fused was told that a call costs {tuned.ForwardPassOverhead} rows. "
            + "Neither the first call nor the samplers' own work is in these figures.\n");
        Console.WriteLine("| T | text | sampler | ms per token | speed / sequential | speed / assd |");
        Console.WriteLine("| ---: | --- | --- | ---: | ---: | ---: |");
        foreach (SamplerRun run in runs)
        {
            foreach ((BenchKind kind, string name) in Names)
            {
                foreach (SamplerVariant variant in Exact(tuned))
                {
                    SamplerTally tally = run[kind, variant];
                    Console.WriteLine(
                        $"| {run.Temperature} | {name} | {variant.Name} | {Number(tally.MillisecondsPerTokenAt(curve))} "
                        + $"| {tally.SpeedOver(run[kind, SamplerKind.Sequential], curve)} | {tally.SpeedOver(run[kind, SamplerKind.Assd], curve)} |");
                }
            }
        }
    }

    /// <summary>The exact samplers, fused with the cost of this network.</summary>
    public static IEnumerable<SamplerVariant> Exact(SamplerVariant tuned) =>
        SamplerVariant.Usual.Where(variant => variant.IsExact).Select(variant => variant.Kind == tuned.Kind ? tuned : variant);
}
