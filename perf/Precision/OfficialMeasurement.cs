using System.Diagnostics;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Cached;
using AsArm.Perf.Cache;

namespace AsArm.Perf.Precision;

/// <summary>
/// `perf -- official`: a call in PyTorch over the whole sequence without a cache, as the published code makes it, against a call of the
/// graph with the cache at 5 + 5 rows, by turns.
/// </summary>
internal static class OfficialMeasurement
{
    private const int Length = 512;
    private const int Rows = 5;
    private const int Rounds = 6;
    private static readonly string[] s_precisions = ["fp32", "int4"];

    public static int Run()
    {
        CachedOnnxModel[] models = [.. s_precisions.Select(precision => CachedOnnxModel.Open(ModelFolder.Open(Exports.Base(Length, precision))))];
        ForwardPassTimes[] states = [.. models.Select(model => new ForwardPassTimes(model, Length, 1, Rows))];
        Times[] ours = [.. models.Select(_ => new Times())];
        var theirs = new Times();
        using Process reference = Exports.Start("reference.py", "--checkpoint", Exports.BaseCheckpoint(), "--positions", $"{Length}", "--rows", $"{Rows}");
        for (int round = 0; round < Rounds; round++)
        {
            double time = AddQuery(reference);
            if (round > 0)
                theirs.Add(time);
            for (int i = 0; i < models.Length; i++)
            {
                for (int turn = 0; turn < 12; turn++)
                {
                    time = states[i].Time(models[i], Rows, Rows);
                    if (turn > 1)
                        ours[i].Add(time);
                }
            }
        }

        reference.StandardInput.Close();
        reference.WaitForExit();
        Console.WriteLine($"{Machine.Current()}; 12 layers, width 768, vocabulary 32,000, {Length} positions.\n");
        Console.WriteLine("| call | ms | median |\n| --- | ---: | ---: |");
        Console.WriteLine($"| PyTorch, whole sequence, {Rows} targets | {theirs.Fastest:F0} | {theirs.Median:F0} |");
        for (int i = 0; i < models.Length; i++)
            Console.WriteLine($"| {s_precisions[i]}, {Rows} + {Rows} rows | {ours[i].Fastest:F1} | {ours[i].Median:F1} |");
        Console.WriteLine();
        for (int i = 0; i < models.Length; i++)
            Console.WriteLine($"ratio official/{s_precisions[i]} {Length}: {theirs.Fastest / ours[i].Fastest:F1}");
        foreach (CachedOnnxModel model in models)
            model.Dispose();
        return 0;
    }

    /// <summary>Milliseconds of one call of the reference, which waits for a line before each.</summary>
    private static double AddQuery(Process reference)
    {
        reference.StandardInput.WriteLine();
        reference.StandardInput.Flush();
        return double.Parse(reference.StandardOutput.ReadLine() ?? throw new InvalidOperationException("reference.py ended early."));
    }
}
