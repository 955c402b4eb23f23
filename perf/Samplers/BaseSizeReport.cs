using AsArm.Benchmarks.Texts;
using static AsArm.Perf.Samplers.SamplersReport;

namespace AsArm.Perf.Samplers;

/// <summary>Prints what the forward passes of the default model would have cost with a network of base size.</summary>
internal static class BaseSizeReport
{
    public static void Print(BaseSizeTable table)
    {
        Console.WriteLine(
            $"\nAcceptances of the default model, cost of the base-size network. A forward pass of the network of base size (12 layers, width 768, vocabulary 32,000, float32) at "
            + $"{table.Positions} positions with a full cache takes a + b content + c query tokens, a = {table.FixedMilliseconds:F2} ms, b = {table.ContentTokenMilliseconds:F3} ms, "
            + $"c = {table.QueryTokenMilliseconds:F3} ms; the worst residual is {table.WorstResidualMilliseconds:F2} ms. Times of passes by turns, of each the fastest:\n");
        Console.WriteLine("| content + query tokens | ms | fitted |");
        Console.WriteLine("| --- | ---: | ---: |");
        foreach (BaseSizePoint point in table.Points)
            Console.WriteLine($"| {point.Content} + {point.Queries} | {point.Milliseconds:F2} | {point.Fitted:F2} |");
        Console.WriteLine(
            $"\nTime per token by that curve and the tokens of every forward pass of the default model but the first. fused was told that a pass costs as much as {table.ForwardPassOverhead} tokens. "
            + "Neither the first pass nor the samplers' own work is in these figures.\n");
        Console.WriteLine("| T | text | sampler | ms per token | speed / sequential | speed / assd |");
        Console.WriteLine("| ---: | --- | --- | ---: | ---: | ---: |");
        foreach (BaseSizeRow row in table.Rows)
        {
            Console.WriteLine(
                $"| {row.Temperature} | {TextKinds.NameOf(row.Text)} | {NameOf(row.Sampler)} | {Number(row.MillisecondsPerToken)} | {Ratio(row.SpeedOverSequential)} | {Ratio(row.SpeedOverAssd)} |");
        }
    }
}
