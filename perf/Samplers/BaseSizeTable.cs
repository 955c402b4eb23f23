using AsArm.Benchmarks.Samplers;
using AsArm.Benchmarks.Texts;
using AsArm.Inference.DraftMeasurement;
using AsArm.Inference.Infilling;

namespace AsArm.Perf.Samplers;

/// <summary>What the forward passes of the default model would have cost with a network of base size.</summary>
/// <param name="Positions">Tokens of a sequence.</param>
/// <param name="FixedMilliseconds">A forward pass without tokens.</param>
/// <param name="ContentTokenMilliseconds">A token that is encoded.</param>
/// <param name="QueryTokenMilliseconds">A conditional that is asked.</param>
/// <param name="WorstResidualMilliseconds">Of the fit.</param>
/// <param name="ForwardPassOverhead">What fused was told, in tokens.</param>
/// <param name="Points">What was fitted.</param>
/// <param name="Rows">The exact samplers.</param>
internal sealed record BaseSizeTable(
    int Positions,
    double FixedMilliseconds,
    double ContentTokenMilliseconds,
    double QueryTokenMilliseconds,
    double WorstResidualMilliseconds,
    double ForwardPassOverhead,
    IReadOnlyList<BaseSizePoint> Points,
    IReadOnlyList<BaseSizeRow> Rows)
{
    /// <param name="curve">What forward passes cost.</param>
    /// <param name="runs">Of one text at a time, with <see cref="Tuned" /> among the samplers.</param>
    public static BaseSizeTable Of(CostCurve curve, IEnumerable<SamplerRun> runs) => new(
        BaseSizeCost.Positions,
        curve.Fixed,
        curve.ContentToken,
        curve.QueryToken,
        curve.WorstResidual,
        curve.RoundedOverhead,
        [.. curve.Points.Select(point => new BaseSizePoint(point.Content, point.Queries, point.Measured, point.Fitted))],
        [
            .. from run in runs
               from text in TextKinds.All
               from usual in SamplerVariant.Exact
               let variant = usual.Kind == SamplerKind.Fused ? Tuned(curve) : usual
               let tally = run[text, variant]
               select new BaseSizeRow(
                   run.Setting.Temperature,
                   text,
                   variant.Kind,
                   tally.DecodingMillisecondsPerTokenAt(curve.Of),
                   tally.DecodingSpeedOver(run[text, SamplerKind.Sequential], curve.Of),
                   tally.DecodingSpeedOver(run[text, SamplerKind.Assd], curve.Of)),
        ]);

    /// <summary>fused with the overhead of this network.</summary>
    public static SamplerVariant Tuned(CostCurve curve) => new(SamplerKind.Fused, curve.RoundedOverhead);

    /// <summary>The best of the exact samplers against sequential.</summary>
    public double Best(double temperature, TextKind text) =>
        Rows.Where(row => row.Temperature == temperature && row.Text == text).Max(row => row.SpeedOverSequential?.Value ?? double.NaN);
}
