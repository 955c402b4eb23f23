using System.Globalization;
using AsArm.Assd.Planning;
using AsArm.Cli.Options;
using AsArm.Cli.Output;
using AsArm.Inference.Infilling;
using Spectre.Console;

namespace AsArm.Cli.Bench;

/// <summary>Prints what the bench measured.</summary>
internal static class BenchReport
{
    private static readonly Dictionary<BenchKind, string> s_names = new()
    {
        [BenchKind.Scattered95] = "95 % unknown",
        [BenchKind.Scattered50] = "50 % unknown",
        [BenchKind.OneGap] = "one gap of 16",
        [BenchKind.ManyGaps] = "gaps of 1-4",
        [BenchKind.Continuation] = "continuation",
    };

    private static readonly DraftSource[] s_sources = [DraftSource.Ngram, DraftSource.Network, DraftSource.Product];
    private static readonly int[] s_gaps = [2, 4, 8, 16];

    public static void Print(BenchRun run)
    {
        Table table = Tables.Create(
            $"T = {Number(run.Temperature, "0.##")}, batch {run.Batch}", "sampler", "calls", "tokens a call", "accepted (fused: n-gram / network / product)", "rows a call", "ms a token",
            "tokens a call / assd", "speed / sequential", "speed / assd");
        foreach ((BenchKind kind, string name) in s_names)
        {
            foreach (SamplerKind sampler in Enum.GetValues<SamplerKind>())
                AddRow(table, run, kind, sampler, name);
        }

        Tables.Print(table);
    }

    /// <summary>What the parallel sampler's speed costs.</summary>
    public static void PrintVariations(Func<int, PairedRatio> measure)
    {
        string[] all = [.. s_gaps.Select(gap => $"{Counts.Of(gap, "token")} {measure(gap)}")];
        Console.WriteLine($"parallel is not exact. Total variation of its distribution from the model's joint in one gap, T = 1 (0 is equal, 1 is disjoint): {string.Join("; ", all)}");
    }

    /// <summary>The measured forward-pass overheads.</summary>
    public static void PrintOverhead(double alone, double inBatch) => Console.WriteLine(
        $"A forward pass costs as much beside its tokens as {Number(alone, "0.##")} tokens, one of {TextInfiller.MaxBatchSize} sequences as {Number(inBatch, "0.##")} tokens of each.");

    /// <summary>The last lines: one text at a time at temperature 1, the best of the exact samplers.</summary>
    public static void PrintRatios(BenchRun run)
    {
        foreach ((BenchKind kind, string name) in new[] { (BenchKind.OneGap, "one gap"), (BenchKind.ManyGaps, "many gaps") })
            Console.WriteLine($"tokens per call best/assd {name}: {Number(Best(tally => tally.TokensPerForwardPassOver(run[kind, SamplerKind.Assd]).Value, kind), "0.000")}");
        foreach ((BenchKind kind, string name) in new[] { (BenchKind.OneGap, "one gap"), (BenchKind.ManyGaps, "many gaps") })
            Console.WriteLine($"time per token sequential/best {name}: {Number(Best(tally => tally.SpeedOver(run[kind, SamplerKind.Sequential]).Value, kind), "0.000")}");

        double Best(Func<BenchTally, double> ratio, BenchKind kind) =>
            Enum.GetValues<SamplerKind>().Where(sampler => sampler != SamplerKind.Parallel).Max(sampler => ratio(run[kind, sampler]));
    }

    private static void AddRow(Table table, BenchRun run, BenchKind kind, SamplerKind sampler, string name)
    {
        BenchTally tally = run[kind, sampler];
        table.AddRow(
            name,
            ChoiceNames.NameOf(sampler),
            Number(tally.Calls, "0"),
            Number(tally.TokensPerForwardPass, "0.00"),
            Accepted(tally),
            Number(tally.Rows / tally.Calls, "0.0"),
            Number(tally.MillisecondsPerToken, "0.00"),
            tally.TokensPerForwardPassOver(run[kind, SamplerKind.Assd]).ToString(),
            tally.SpeedOver(run[kind, SamplerKind.Sequential]).ToString(),
            tally.SpeedOver(run[kind, SamplerKind.Assd]).ToString());
    }

    /// <summary>By source: those kept of those whose test counted. Where the sampler does not tell, those kept of all.</summary>
    private static string Accepted(BenchTally tally)
    {
        if (tally.Drafts.Values.Any(counts => counts.Verified > 0))
            return string.Join(" / ", s_sources.Select(source => Share(tally.Drafts[source].Accepted, tally.Drafts[source].Verified)));
        return Share(tally.Accepted, tally.Drafted);

        static string Share(int kept, int all) => all == 0 ? "-" : Number((double)kept / all, "0.00");
    }

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
