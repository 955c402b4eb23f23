using AsArm.Benchmarks.Statistics;
using AsArm.Benchmarks.Tables;
using AsArm.Benchmarks.Texts;
using AsArm.Inference.Infilling;

namespace AsArm.Perf.Samplers;

/// <summary>Prints what was measured as Markdown.</summary>
internal static class SamplersReport
{
    public static void Print(SamplersResults results)
    {
        Console.WriteLine(
            $"{results.Model}: intervals of 95 % over texts and seeds, in batches over seeds. Times are those of the whole request; \"decoding\" leaves its first forward pass out, "
            + "which encodes the given text for all samplers alike. In brackets, of how many draft tokens.");
        foreach (SamplerTable table in results.Tables)
        {
            Console.WriteLine($"\nT = {table.Temperature}, batch {table.Batch}:\n");
            Console.WriteLine(
                "| text | sampler | forward passes | tokens per forward pass | accepted of drafted | n-gram accepted of verified | network | product | head | processed per forward pass | ms per token | decoding "
                + "| tokens per forward pass / assd | speed / sequential | speed / assd | decoding / sequential | decoding / assd |");
            Console.WriteLine($"| --- | --- |{string.Concat(Enumerable.Repeat(" ---: |", 15))}");
            foreach (SamplerRow row in table.Rows)
                Console.WriteLine($"| {TextKinds.NameOf(row.Text)} | {NameOf(row.Sampler)} | {Cells(row)} |");
        }
    }

    public static string NameOf(SamplerKind sampler) => sampler.ToString().ToLowerInvariant();

    public static string Number(double? value, string format = "0.00") => value?.ToString(format) ?? "-";

    public static string Ratio(Estimate? ratio) => ratio?.ToString() ?? "-";

    private static string Cells(SamplerRow row) => string.Join(
        " | ",
        row.ForwardPasses,
        Number(row.TokensPerForwardPass),
        Number(row.AcceptedOfDrafted),
        Accepted(row.Ngram),
        Accepted(row.Network),
        Accepted(row.Product),
        Accepted(row.Head),
        Number(row.ProcessedPerForwardPass, "0.0"),
        Number(row.MillisecondsPerToken),
        Number(row.DecodingMillisecondsPerToken),
        Ratio(row.TokensPerForwardPassOverAssd),
        Ratio(row.SpeedOverSequential),
        Ratio(row.SpeedOverAssd),
        Ratio(row.DecodingSpeedOverSequential),
        Ratio(row.DecodingSpeedOverAssd));

    private static string Accepted(SourceAcceptance? source) => source is null ? "-" : $"{Number(source.AcceptedOfVerified)} ({source.Verified})";
}
