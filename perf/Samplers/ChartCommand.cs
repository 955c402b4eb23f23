using System.Text.Json;
using AsArm.Perf.Results;

namespace AsArm.Perf.Samplers;

/// <summary>`perf -- chart FILE.json`: redraws the chart of a file that `perf -- samplers --json` wrote; without --chart it only checks that it can be drawn.</summary>
internal static class ChartCommand
{
    public static int Run(string[] arguments)
    {
        if (arguments is not [string file, .. string[] rest] || file.StartsWith("--", StringComparison.Ordinal))
        {
            Console.Error.WriteLine("perf -- chart takes a file of perf -- samplers --json.");
            return 2;
        }

        if (Arguments.Parse("chart FILE.json", rest, "--chart") is not { } options)
            return 2;
        try
        {
            SamplersResults results = ResultFile.Read<SamplersResults>(file);
            if (results.Tables is not [{ Rows: not null }, ..])
                throw new JsonException("not a file of perf -- samplers --json");
            string svg = SamplersChart.Draw(results);
            if (options.TryGetValue("--chart", out string? chart))
                File.WriteAllText(chart, svg);
            return 0;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException)
        {
            Console.Error.WriteLine($"{file}: {error.Message}");
            return 1;
        }
    }
}
