using AsArm.Inference.DraftMeasurement;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Cached;
using AsArm.Perf.Results;

namespace AsArm.Perf.Graphs;

/// <summary>`perf -- graphs FIRST SECOND`: forward passes through the cached graphs of two folders of one network by turns, such as an earlier export and a new one.</summary>
internal static class GraphComparison
{
    private const int Turns = 80, TurnsOfBatches = 16, WarmUp = 4;
    private static readonly (int Content, int Queries)[] s_rows = [(1, 1), (1, 5), (5, 5), (5, 20)];
    private static readonly int[] s_lengths = [128, 512], s_batches = [1, 16];

    public static int Run(string[] arguments)
    {
        if (arguments is not [string first, string second, .. string[] rest])
        {
            Console.Error.WriteLine("perf -- graphs takes two model folders of one network, and --json FILE.");
            return 2;
        }

        if (Arguments.Parse("graphs FIRST SECOND", rest, "--json") is not { } options)
            return 2;
        var machine = Machine.Current();
        Console.WriteLine($"{machine}; {first} / {second}.\n");
        Console.WriteLine("| tokens (content + query) | positions | batch | first, ms | second, ms | first / second |");
        Console.WriteLine("| --- | ---: | ---: | ---: | ---: | ---: |");
        GraphRow[] rows = Measure(first, second);
        Figure[] figures =
        [
            Number("geometric mean", Math.Exp(rows.Average(row => Math.Log(row.Ratio.Value)))), Number("least", rows.Min(row => row.Ratio.Value)),
            Number("upper end of the least one's interval", rows.MinBy(row => row.Ratio.Value)!.Ratio.Upper),
        ];
        Console.WriteLine();
        Figure.Print(figures);
        if (options.TryGetValue("--json", out string? json))
            ResultFile.Write(json, new GraphResults(machine, first, second, rows, figures));
        return 0;
    }

    private static GraphRow[] Measure(string first, string second)
    {
        using CachedOnnxModel one = CachedOnnxModel.Open(ModelFolder.Open(first)), other = CachedOnnxModel.Open(ModelFolder.Open(second));
        var rows = new List<GraphRow>();
        foreach (int length in s_lengths.Where(length => length <= one.MaxLength))
        {
            foreach (int batch in s_batches)
            {
                ForwardPassTimer timer = new(one, length, batch, 20), otherTimer = new(other, length, batch, 20);
                foreach ((int content, int queries) in s_rows)
                {
                    GraphRow row = MeasureRow(() => timer.Time(one, content, queries), () => otherTimer.Time(other, content, queries), length, batch, content, queries);
                    Console.WriteLine($"| {content} + {queries} | {length} | {batch} | {row.FirstMilliseconds:F2} | {row.SecondMilliseconds:F2} | {row.Ratio.Value:F3} ({row.Ratio.Lower:F3} to {row.Ratio.Upper:F3}) |");
                    rows.Add(row);
                }

                timer.Release(one);
                otherTimer.Release(other);
            }
        }

        return [.. rows];
    }

    /// <summary>Each turn takes both, one right after the other, so that what disturbs a shared machine mostly disturbs both.</summary>
    private static GraphRow MeasureRow(Func<double> first, Func<double> second, int length, int batch, int content, int queries)
    {
        var times = new List<(double First, double Second)>();
        int turns = batch == 1 ? Turns : TurnsOfBatches;
        for (int turn = -WarmUp; turn < turns; turn++)
        {
            double one = turn % 2 == 0 ? first() : double.NaN, other = second();
            one = double.IsNaN(one) ? first() : one;
            if (turn >= 0)
                times.Add((one, other));
        }

        return new(
            content, queries, length, batch, times.Min(time => time.First), times.Min(time => time.Second), MedianInterval.Of(times.Select(time => time.First / time.Second)));
    }

    private static Figure Number(string name, double value) => new($"first / second, {name}", value, $"{value:F3}");
}
