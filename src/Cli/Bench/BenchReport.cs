using System.Globalization;
using AsArm.Benchmarks.Statistics;
using AsArm.Benchmarks.Tables;
using AsArm.Benchmarks.Texts;
using AsArm.Cli.Options;
using AsArm.Cli.Output;
using AsArm.Cli.Streams;
using AsArm.Inference.Infilling;
using Spectre.Console;

namespace AsArm.Cli.Bench;

/// <summary>Prints what the bench measured.</summary>
internal sealed class BenchReport(CommandStreams streams)
{
    private static readonly (TextKind Kind, string Name)[] s_gapKinds = [(TextKind.OneGap, "one gap"), (TextKind.ManyGaps, "many gaps")];
    private static readonly int[] s_gaps = [2, 4, 8, 16];

    public void Print(SamplerTable samplers)
    {
        Table table = Tables.Create(
            $"T = {Number(samplers.Temperature, "0.##")}, batch {samplers.Batch}", "sampler", "passes", "tokens a pass", "accepted (fused: n-gram / network / product / head)",
            "processed", "ms a token", "tokens a pass / assd", "speed / sequential", "speed / assd");
        foreach (SamplerRow row in samplers.Rows)
        {
            table.AddRow(
                TextKinds.NameOf(row.Text),
                ChoiceNames.NameOf(row.Sampler),
                Number(row.ForwardPasses, "0"),
                Number(row.TokensPerForwardPass, "0.00"),
                Accepted(row),
                Number(row.ProcessedPerForwardPass, "0.0"),
                Number(row.MillisecondsPerToken, "0.00"),
                Text(row.TokensPerForwardPassOverAssd),
                Text(row.SpeedOverSequential),
                Text(row.SpeedOverAssd));
        }

        Tables.Print(table, streams);
    }

    /// <summary>What the parallel sampler's speed costs.</summary>
    public void PrintVariations(Func<int, Estimate> measure)
    {
        string[] all = [.. s_gaps.Select(gap => $"{Counts.Of(gap, "token")} {measure(gap)}")];
        streams.OutputWriter.WriteLine($"parallel is not exact. Total variation of its distribution from the model's joint in one gap, T = 1 (0 is equal, 1 is disjoint): {string.Join("; ", all)}");
    }

    /// <summary>The measured forward-pass overheads.</summary>
    public void PrintOverhead(double alone, double inBatch) => streams.OutputWriter.WriteLine(
        $"A forward pass costs as much beside its tokens as {Number(alone, "0.##")} tokens, one of {TextInfiller.MaxBatchSize} sequences as {Number(inBatch, "0.##")} tokens of each.");

    /// <summary>The last lines: one text at a time at temperature 1, the best of the exact samplers.</summary>
    public void PrintRatios(SamplerTable samplers)
    {
        foreach ((TextKind kind, string name) in s_gapKinds)
            streams.OutputWriter.WriteLine($"tokens per pass best/assd {name}: {Number(samplers.Best(kind, row => row.TokensPerForwardPassOverAssd), "0.000")}");
        foreach ((TextKind kind, string name) in s_gapKinds)
            streams.OutputWriter.WriteLine($"time per token sequential/best {name}: {Number(samplers.Best(kind, row => row.SpeedOverSequential), "0.000")}");
    }

    /// <summary>By source: those accepted of those verified. Where the sampler does not tell, those accepted of all.</summary>
    private static string Accepted(SamplerRow row) => row is { Ngram: null, Network: null, Product: null, Head: null }
        ? Rate(row.AcceptedOfDrafted)
        : string.Join(" / ", new[] { row.Ngram, row.Network, row.Product, row.Head }.Select(source => Rate(source?.AcceptedOfVerified)));

    private static string Rate(double? rate) => rate is double value ? Number(value, "0.00") : "-";

    private static string Text(Estimate? ratio) => ratio?.ToString() ?? "-";

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
