using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Cached;
using AsArm.Perf.Cache;
using AsArm.Perf.Results;

namespace AsArm.Perf.Precision;

/// <summary>`perf -- precision`: calls of the graph with the cache at XLNet-base size in fp32, int8 and int4 by turns, as Markdown and as JSON.</summary>
internal static class PrecisionMeasurement
{
    private const int Length = 512;
    private const int Alone = 60; // calls of one sequence
    private const int Batched = 12;
    private const string Model = "random weights, 12 layers, width 768, vocabulary 32,000";
    private static readonly string[] s_precisions = ["fp32", "int8", "int4"];
    private static readonly (int Content, int Queries)[] s_rows = [(1, 5), (5, 5), (5, 20)];

    public static int Run(string[] arguments)
    {
        if (arguments is [FirstForwardPass.Argument, string child])
            return FirstForwardPass.RunChild(child);
        if (Arguments.Parse("precision", arguments, "--json") is not { } options)
            return 2;
        string[] folders = [.. s_precisions.Select(precision => Exports.Base(Length, precision))];
        var machine = Machine.Current();
        Console.WriteLine($"{machine}; {Model}.\n");
        Console.WriteLine("| precision | block | MB of weights | ms to load | peak MB of load and first call | peak / weights |");
        Console.WriteLine("| --- | ---: | ---: | ---: | ---: | ---: |");
        LoadRow[] loads = [.. s_precisions.Zip(folders, MeasureLoad)];
        Console.WriteLine($"\n| tokens (content + query) | batch | {string.Join(" | ", s_precisions.Select(name => name + " ms"))} | fp32 / int8 | fp32 / int4 | of the medians |");
        Console.WriteLine("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
        CachedOnnxModel[] models = [.. folders.Select(folder => CachedOnnxModel.Open(ModelFolder.Open(folder)))];
        PassRow[] passes = [.. ((int[])[1, 8]).SelectMany(batch => MeasureForwardPasses(models, batch))];
        Console.WriteLine();
        for (int i = 0; i < models.Length; i++)
        {
            (int differing, int all) = RowCheck.Run(models[i], Length);
            Console.WriteLine($"{s_precisions[i]}: {differing} of {all} rows have other bits alone than in a call of several sequences");
            models[i].Dispose();
        }

        Console.WriteLine();
        foreach (PassRow row in passes.Where(row => row.Batch == 1 && (row.Content, row.Queries) == s_rows[0] && row.Precision != s_precisions[0]))
            Console.WriteLine($"ratio fp32/{row.Precision} rows {row.Content}+{row.Queries}: {row.SpeedOverFp32:F2}");
        if (options.TryGetValue("--json", out string? json))
            ResultFile.Write(json, new PrecisionResults(machine, Model, loads, passes));
        return 0;
    }

    private static LoadRow MeasureLoad(string precision, string path)
    {
        const double Megabyte = 1e6;
        ModelManifest manifest = ModelFolder.Open(path).Manifest;
        FirstForwardPass first = FirstForwardPass.Measure(path);
        var row = new LoadRow(precision, manifest.GroupSize, manifest.Files["model.onnx_data"].Bytes / Megabyte, first.LoadMilliseconds, first.PeakBytes / Megabyte);
        Console.WriteLine(
            $"| {precision} | {row.Block} | {row.WeightMegabytes:F0} | {row.LoadMilliseconds:F0} | {row.PeakMegabytes:F0} | {row.PeakMegabytes / row.WeightMegabytes:F2} |");
        return row;
    }

    private static List<PassRow> MeasureForwardPasses(CachedOnnxModel[] models, int batch)
    {
        var rows = new List<PassRow>();
        ForwardPassTimes[] states = [.. models.Select(model => new ForwardPassTimes(model, Length, batch, s_rows.Max(row => row.Queries)))];
        foreach ((int content, int queries) in s_rows)
        {
            Times[] times = [.. models.Select(_ => new Times())];
            for (int turn = 0; turn < (batch == 1 ? Alone : Batched); turn++)
            {
                for (int i = 0; i < models.Length; i++)
                {
                    double time = states[i].Time(models[i], content, queries);
                    if (turn > 1) // the first ones bind shapes
                        times[i].Add(time);
                }
            }

            PassRow[] shape = [.. s_precisions.Zip(times, (precision, own) => new PassRow(
                precision, content, queries, batch, own.Fastest, times[0].Fastest / own.Fastest, times[0].Median / own.Median))];
            string ratios = string.Join(" | ", shape.Skip(1).Select(row => $"{row.SpeedOverFp32:F2}"));
            string medians = string.Join(", ", shape.Skip(1).Select(row => $"{row.MedianSpeedOverFp32:F2}"));
            Console.WriteLine($"| {content} + {queries} | {batch} | {string.Join(" | ", shape.Select(row => $"{row.Milliseconds:F1}"))} | {ratios} | {medians} |");
            rows.AddRange(shape);
        }

        for (int i = 0; i < models.Length; i++)
            states[i].Release(models[i]);
        return rows;
    }
}
