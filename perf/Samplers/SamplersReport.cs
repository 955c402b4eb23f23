using AsArm.Assd.Planning;
using AsArm.Assd.Samplers.Fused;
using AsArm.Cli.Bench;
using AsArm.Inference.Infilling;

namespace AsArm.Perf.Samplers;

/// <summary>The tables of the default model.</summary>
internal static class SamplersReport
{
    public static readonly IReadOnlyDictionary<BenchKind, string> Names = new Dictionary<BenchKind, string>
    {
        [BenchKind.Scattered95] = "95 % unknown",
        [BenchKind.Scattered50] = "50 % unknown",
        [BenchKind.OneGap] = "one gap of 16",
        [BenchKind.ManyGaps] = "gaps of 1-4",
        [BenchKind.Continuation] = "continuation",
    };

    public static void Print(string model, IEnumerable<SamplerRun> runs)
    {
        Console.WriteLine(
            $"{model}: intervals of 95 % over texts and seeds, in batches over seeds. Times are those of the whole request; \"decoding\" leaves its first call out, "
            + "which encodes the given text for all samplers alike. In brackets, of how many draft tokens.");
        foreach (SamplerRun run in runs)
        {
            Console.WriteLine($"\nT = {run.Temperature}, batch {run.Batch}:\n");
            Console.WriteLine(
                "| text | sampler | NFE | tokens per call | kept of drawn | n-gram kept of examined | network | product | rows per call | ms per token | decoding "
                + "| tokens per call / assd | speed / sequential | speed / assd | decoding / sequential | decoding / assd |");
            Console.WriteLine($"| --- | --- |{string.Concat(Enumerable.Repeat(" ---: |", 14))}");
            foreach ((BenchKind kind, string name) in Names)
            {
                foreach (SamplerVariant variant in SamplerVariant.Usual)
                    Console.WriteLine($"| {name} | {variant.Name} | {Row(run[kind, variant], run[kind, SamplerKind.Assd], run[kind, SamplerKind.Sequential])} |");
            }
        }
    }

    public static string Number(double value, string format = "0.00") => double.IsNaN(value) ? "-" : value.ToString(format);

    private static string Row(SamplerTally tally, SamplerTally assd, SamplerTally sequential) => string.Join(
        " | ",
        tally.Calls,
        Number(tally.TokensPerForwardPass),
        Number(tally.AcceptedOfDrafted),
        Accepted(tally.Counts(DraftSource.Ngram)),
        Accepted(tally.Counts(DraftSource.Network)),
        Accepted(tally.Counts(DraftSource.Product)),
        Number(tally.ProcessedPerForwardPass, "0.0"),
        Number(tally.MillisecondsPerToken),
        Number(tally.LaterMillisecondsPerToken),
        tally.TokensPerForwardPassOver(assd),
        tally.SpeedOver(sequential),
        tally.SpeedOver(assd),
        tally.LaterSpeedOver(sequential),
        tally.LaterSpeedOver(assd));

    private static string Accepted(DraftCounts counts) =>
        counts.Verified == 0 ? "-" : $"{Number((double)counts.Accepted / counts.Verified)} ({counts.Verified})";
}
