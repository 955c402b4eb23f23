using System.Globalization;
using AsArm.Assd.Planning;
using AsArm.Assd.Samplers.Fused;
using AsArm.Benchmarks.Samplers;
using AsArm.Benchmarks.Statistics;
using AsArm.Benchmarks.Texts;
using AsArm.Inference.Infilling;

namespace AsArm.Perf.Samplers;

/// <summary>
/// `perf -- overheads`: what `fused` commits in a forward pass when it plans with other overheads, as on a device where passes are dear. It counts, so that
/// it tells the same on every machine; times are not in it.
/// </summary>
internal static class OverheadsMeasurement
{
    private const int Seeds = 6;
    private static readonly double?[] s_overheads = [null, 100, 500];
    private static readonly DraftSource[] s_sources = [DraftSource.Ngram, DraftSource.Network, DraftSource.Product, DraftSource.Head];

    public static int Run(string[] arguments)
    {
        if (Arguments.Parse("overheads", arguments, "--model") is not { } options)
            return 2;
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        using var infiller = TextInfiller.Open(options.GetValueOrDefault("--model") ?? Path.Combine(Exports.RepositoryRoot(), "models", "english-18m"));
        SamplerVariant[] variants = [.. s_overheads.Select(overhead => new SamplerVariant(SamplerKind.Fused, overhead))];
        foreach (double temperature in (double[])[1, 0.7])
        {
            var run = new SamplerRun(infiller, variants, new(temperature, 1, Seeds, IntervalUnit.TextAndSeed));
            run.Run();
            Print(run, variants);
        }

        return 0;
    }

    private static void Print(SamplerRun run, SamplerVariant[] variants)
    {
        Console.WriteLine($"T = {run.Setting.Temperature}:\n");
        Console.WriteLine("| text | overhead | tokens per pass | relative to the first | processed per pass | n-grams accepted of verified | network | product | head |");
        Console.WriteLine("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
        foreach (TextKind text in TextKinds.All)
        {
            foreach (SamplerVariant variant in variants)
            {
                SamplerTally tally = run[text, variant];
                Estimate? relative = tally.TokensPerForwardPassOver(run[text, variants[0]]);
                string overhead = variant.ForwardPassOverhead?.ToString(CultureInfo.InvariantCulture) ?? "of the model";
                Console.WriteLine($"| {TextKinds.NameOf(text)} | {overhead} | {tally.TokensPerForwardPass:0.00} | {relative} | {tally.ProcessedPerForwardPass:0.0} | {string.Join(" | ", s_sources.Select(source => Accepted(tally.Drafts(source))))} |");
            }
        }

        Console.WriteLine();
    }

    private static string Accepted(DraftCounts counts) => counts.Verified == 0 ? "-" : $"{(double)counts.Accepted / counts.Verified:0.00} ({counts.Verified})";
}
