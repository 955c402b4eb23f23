using System.Globalization;
using System.Text;
using AsArm.Perf.Results;

namespace AsArm.Perf.Gpu;

/// <summary>The results of `perf -- gpu` as Markdown.</summary>
internal static class GpuReport
{
    public static string Of(GpuResults results)
    {
        var text = new StringBuilder();
        Line(text, $"{results.Machine}; device {results.Device}. Medians in milliseconds, with intervals of 95 %.\n");
        Line(text, "| model | sequences x content + query | positions | CUDA graphs | in ONNX Runtime | whole pass |\n| --- | --- | ---: | --- | ---: | ---: |");
        foreach (PassRow row in results.Passes)
        {
            Line(text, $"| {row.Model} | {row.Batch} x {row.Content} + {row.Queries} | {row.Positions} | {(row.CudaGraphs ? "yes" : "no")} "
                + $"| {Interval(row.GraphMilliseconds)} | {Interval(row.PassMilliseconds)} |");
        }

        Line(text, "\nRounds of `assd` with 5 draft tokens: pass, distributions and decisions.\n");
        Line(text, "| model | sequences | positions | in ONNX Runtime | whole round |\n| --- | ---: | ---: | ---: | ---: |");
        foreach (RoundRow row in results.Rounds)
            Line(text, $"| {row.Model} | {row.Batch} | {row.Positions} | {Interval(row.GraphMilliseconds)} | {Interval(row.RoundMilliseconds)} |");
        foreach (LawRow law in results.Laws)
        {
            Line(text, $"\n{law.Sampler}: {law.Samples} samples against the enumerated distribution, p = {law.PValue:G3}, "
                + $"{(law.IsExact ? "" : "a control that must be below the limit, ")}{(law.Passes ? "passed" : "FAILED")} (limit {LawRow.Limit:G1}).");
        }

        foreach (TextsRow row in results.Texts)
        {
            Line(text, $"\n{row.Model}: {row.Equal} of {row.Texts} texts of the same seeds are equal to those of the CPU in float32; "
                + $"{row.DeviceSeconds:F1} s, on the CPU {row.CpuSeconds:F1} s.");
            foreach (string difference in row.Differences)
                Line(text, $"- {difference}");
        }

        return text.ToString();
    }

    private static string Interval(MedianInterval interval) => string.Create(CultureInfo.InvariantCulture, $"{interval.Value:F3} ({interval.Lower:F3} to {interval.Upper:F3})");

    private static void Line(StringBuilder text, string line) => text.Append(line).Append('\n');
}
