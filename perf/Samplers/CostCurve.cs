using System.ComponentModel;
using AsArm.Inference;

namespace AsArm.Perf;

/// <summary>Milliseconds of a call of the base-size network with a full cache: a fixed part and a part per row, fitted to measured calls.</summary>
internal sealed class CostCurve
{
    public const int Positions = 512;

    private const int Rounds = 40;

    // What samplers ask: one row of each, several proposals and a bonus row, drafts with few new tokens.
    private static readonly (int Content, int Queries)[] s_rows = [(1, 1), (2, 2), (3, 3), (4, 4), (6, 6), (9, 9), (1, 5), (2, 5), (3, 7)];

    private readonly double[] _medians;

    private CostCurve(double[] medians)
    {
        _medians = medians;
        double[] fit = LeastSquares.Fit([.. s_rows.Select(rows => new double[] { 1, rows.Content, rows.Queries })], medians);
        (Fixed, ContentRow, QueryRow) = (fit[0], fit[1], fit[2]);
    }

    public double Fixed { get; }

    public double ContentRow { get; }

    public double QueryRow { get; }

    /// <summary>The fixed part in rows, to one digit: what fused would be told of this network.</summary>
    public double CallCostInRows
    {
        get
        {
            double rows = Fixed / ((ContentRow + QueryRow) / 2), unit = Math.Pow(10, Math.Floor(Math.Log10(rows)));
            return Math.Round(rows / unit) * unit;
        }
    }

    /// <summary>Each shape that was measured, its median and the fit.</summary>
    public IEnumerable<(int Content, int Queries, double Measured, double Fitted)> Points =>
        s_rows.Select((rows, i) => (rows.Content, rows.Queries, _medians[i], Of(rows.Content, rows.Queries)));

    public double WorstResidual => Points.Max(point => Math.Abs(point.Measured - point.Fitted));

    /// <summary>Measures; null, and a sentence on why, where the network cannot be had or the curve makes no sense.</summary>
    public static CostCurve? Measure()
    {
        try
        {
            using CachedOnnxModel model = CachedOnnxModel.Open(ModelFolder.Open(Exports.Base(Positions)));
            var curve = new CostCurve(Medians(model));
            return curve is { Fixed: > 0, ContentRow: > 0, QueryRow: > 0 }
                ? curve
                : throw new InvalidOperationException($"The fitted call, {curve.Fixed:F1} + {curve.ContentRow:F2} content + {curve.QueryRow:F2} query ms, has a part below 0.");
        }
        catch (Exception error) when (error is InvalidOperationException or ModelFolderException or Win32Exception)
        {
            Console.WriteLine($"Base size is left out: {error.Message.ReplaceLineEndings(" ")}\n");
            return null;
        }
    }

    public double Of(int content, int queries) => Fixed + content * ContentRow + queries * QueryRow;

    /// <summary>The steps after the first of a request by itself.</summary>
    public double Of(Observation observation) => observation.LaterRows.Sum(rows => Of(rows.Content, rows.Queries));

    private static double[] Medians(CachedOnnxModel model)
    {
        var calls = new CallTimes(model, Positions, batch: 1, s_rows.Max(rows => rows.Queries));
        Times[] times = [.. s_rows.Select(_ => new Times())];
        for (int round = -3; round < Rounds; round++)
        {
            for (int i = 0; i < times.Length; i++)
            {
                double one = calls.Time(model, s_rows[i].Content, s_rows[i].Queries);
                if (round >= 0) // earlier ones only warm up
                    times[i].Add(one);
            }
        }

        calls.Release(model);
        return [.. times.Select(one => one.Median)];
    }
}
