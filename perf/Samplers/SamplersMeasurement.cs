using System.Globalization;
using AsArm.Benchmarks.Samplers;
using AsArm.Benchmarks.Tables;
using AsArm.Inference.DraftMeasurement;
using AsArm.Inference.Infilling;
using AsArm.Perf.Results;

namespace AsArm.Perf.Samplers;

/// <summary>
/// `perf -- samplers`: the samplers side by side on the default model, or on another, and, by the cost of its forward passes, at base size: as Markdown on
/// the standard output, as JSON and as a chart.
/// </summary>
internal static class SamplersMeasurement
{
    private const int SeedsAlone = 3;
    private const int SeedsInBatch = 4; // a batch is one observation
    private static readonly int[] s_batches = [1, 4, 8, 16];

    public static int Run(string[] arguments)
    {
        if (Arguments.Parse("samplers", arguments, "--model", "--json", "--chart") is not { } options)
            return 2;
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        string? model = options.GetValueOrDefault("--model");
        using var infiller = TextInfiller.Open(model ?? Path.Combine(Exports.RepositoryRoot(), "models", "english-18m"));
        var machine = Machine.Current();
        Console.WriteLine($"{machine}.\n");
        CostCurve? curve = model is null ? BaseSizeCost.Measure() : null; // base size goes with the default model
        SamplerRun[] runs =
        [
            .. from batch in s_batches
               from temperature in (double[])[1, 0.7]
               select Measure(infiller, curve, temperature, batch),
        ];
        var results = new SamplersResults(
            machine,
            infiller.Folder.Name,
            [.. runs.Select(SamplerTable.Of)],
            curve is null ? null : BaseSizeTable.Of(curve, runs.Where(run => run.Setting.Batch == 1)));
        SamplersReport.Print(results);
        if (results.BaseSize is not null)
            BaseSizeReport.Print(results.BaseSize);
        if (options.TryGetValue("--json", out string? json))
            ResultFile.Write(json, results);
        if (options.TryGetValue("--chart", out string? chart))
            File.WriteAllText(chart, SamplersChart.Draw(results));
        SamplersSummary.Print(results);
        return 0;
    }

    private static SamplerRun Measure(TextInfiller infiller, CostCurve? curve, double temperature, int batch)
    {
        bool alone = batch == 1;
        SamplerVariant[] variants = alone && curve is not null ? [.. SamplerVariant.All, BaseSizeTable.Tuned(curve)] : [.. SamplerVariant.All];
        var run = new SamplerRun(infiller, variants, new(temperature, batch, alone ? SeedsAlone : SeedsInBatch, IntervalUnit.TextAndSeed));
        run.Run();
        return run;
    }
}
