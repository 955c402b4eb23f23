using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Cached;
using AsArm.Perf.Cache;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Perf.Precision;

/// <summary>`perf -- precision`: calls of the graph with the cache at XLNet-base size in fp32, int8 and int4 by turns, as Markdown.</summary>
internal static class PrecisionMeasurement
{
    private const int Length = 512;
    private const int Alone = 60; // calls of one sequence
    private const int Batched = 12;
    private static readonly string[] s_precisions = ["fp32", "int8", "int4"];
    private static readonly (int Content, int Queries)[] s_rows = [(1, 5), (5, 5), (5, 20)];

    public static int Run(string[] arguments)
    {
        if (arguments is [FirstForwardPass.Argument, string child])
            return FirstForwardPass.RunChild(child);
        if (arguments.Length > 0)
        {
            Console.Error.WriteLine("perf -- precision takes no arguments.");
            return 2;
        }

        string[] folders = [.. s_precisions.Select(precision => Exports.Base(Length, precision))];
        Console.WriteLine($"{Machine.Describe()}; ONNX Runtime {OrtEnv.Instance().GetVersionString()}; random weights, 12 layers, width 768, vocabulary 32,000.\n");
        Console.WriteLine("| precision | block | MB of weights | ms to load | peak MB of load and first call | peak / weights |");
        Console.WriteLine("| --- | ---: | ---: | ---: | ---: | ---: |");
        for (int i = 0; i < folders.Length; i++)
            WriteFolder(s_precisions[i], folders[i]);
        Console.WriteLine($"\n| rows (content + query) | batch | {string.Join(" | ", s_precisions.Select(name => name + " ms"))} | fp32 / int8 | fp32 / int4 | of the medians |");
        Console.WriteLine("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
        var lines = new List<string>();
        CachedOnnxModel[] models = [.. folders.Select(folder => CachedOnnxModel.Open(ModelFolder.Open(folder)))];
        foreach (int batch in (int[])[1, 8])
            MeasureForwardPasses(models, batch, lines);
        Console.WriteLine();
        for (int i = 0; i < models.Length; i++)
        {
            (int differing, int all) = RowCheck.Run(models[i], Length);
            Console.WriteLine($"{s_precisions[i]}: {differing} of {all} rows have other bits alone than in a call of several sequences");
            models[i].Dispose();
        }

        Console.WriteLine();
        lines.ForEach(Console.WriteLine);
        return 0;
    }

    private static void WriteFolder(string precision, string path)
    {
        ModelManifest manifest = ModelFolder.Open(path).Manifest;
        double weights = manifest.Files["model.onnx_data"].Bytes / 1e6;
        FirstForwardPass first = FirstForwardPass.Measure(path);
        double peak = first.PeakBytes / 1e6;
        Console.WriteLine($"| {precision} | {manifest.GroupSize} | {weights:F0} | {first.LoadMilliseconds:F0} | {peak:F0} | {peak / weights:F2} |");
    }

    private static void MeasureForwardPasses(CachedOnnxModel[] models, int batch, List<string> lines)
    {
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

            string[] ratios = [.. times.Skip(1).Select(other => $"{times[0].Fastest / other.Fastest:F2}")];
            string medians = string.Join(", ", times.Skip(1).Select(other => $"{times[0].Median / other.Median:F2}"));
            Console.WriteLine($"| {content} + {queries} | {batch} | {string.Join(" | ", times.Select(time => $"{time.Fastest:F1}"))} | {string.Join(" | ", ratios)} | {medians} |");
            if (batch == 1 && (content, queries) == s_rows[0])
                lines.AddRange(s_precisions.Skip(1).Zip(ratios, (name, ratio) => $"ratio fp32/{name} rows {content}+{queries}: {ratio}"));
        }

        for (int i = 0; i < models.Length; i++)
            states[i].Release(models[i]);
    }
}
