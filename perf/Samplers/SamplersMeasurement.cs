using System.Globalization;
using AsArm.Inference.DraftMeasurement;
using AsArm.Inference.Infilling;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Perf.Samplers;

/// <summary>`perf -- samplers`: the samplers side by side on the default model, or on another, and, by the cost of its calls, at base size, as Markdown.</summary>
internal static class SamplersMeasurement
{
    private const int SeedsAlone = 3;
    private const int SeedsInBatch = 4; // a batch is one observation
    private static readonly int[] s_batches = [1, 4, 8, 16];

    public static int Run(string[] arguments)
    {
        string? chart = null, model = null;
        for (int i = 0; i < arguments.Length; i += 2)
        {
            if (i + 1 == arguments.Length || arguments[i] is not ("--chart" or "--model"))
            {
                Console.Error.WriteLine("perf -- samplers takes no arguments but --model DIR and --chart FILE.");
                return 2;
            }

            (chart, model) = arguments[i] == "--chart" ? (arguments[i + 1], model) : (chart, arguments[i + 1]);
        }

        if (chart is not null && !Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(chart))))
        {
            Console.Error.WriteLine($"{chart}: there is no such folder.");
            return 2;
        }

        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        using var texts = new SampledTexts(model ?? Path.Combine(Exports.RepositoryRoot(), "models", "english-18m"));
        Console.WriteLine($"{Machine.Describe()}; ONNX Runtime {OrtEnv.Instance().GetVersionString()}.\n");
        CostCurve? curve = model is null ? BaseSizeCost.Measure() : null; // base size goes with the default model
        SamplerVariant? tuned = curve is null ? null : new SamplerVariant(SamplerKind.Fused, curve.RoundedOverhead);
        SamplerRun[] runs =
        [
            .. from batch in s_batches
               from temperature in (double[])[1, 0.7]
               select Measure(texts, tuned, temperature, batch),
        ];
        SamplersReport.Print(texts.Name, runs);
        if (curve is not null)
            BaseSizeReport.Print(curve, tuned!, runs.Where(run => run.Batch == 1));
        if (chart is not null)
            File.WriteAllText(chart, SamplersChart.Draw(runs[0]) + "\n");
        SamplersSummary.Print(runs, curve, tuned);
        return 0;
    }

    private static SamplerRun Measure(SampledTexts texts, SamplerVariant? tuned, double temperature, int batch)
    {
        bool alone = batch == 1;
        SamplerVariant[] variants = alone && tuned is not null ? [.. SamplerVariant.Usual, tuned] : SamplerVariant.Usual;
        var run = new SamplerRun(texts, variants, temperature, batch, alone ? SeedsAlone : SeedsInBatch);
        run.Run();
        return run;
    }
}
