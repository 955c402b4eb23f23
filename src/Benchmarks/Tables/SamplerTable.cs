using AsArm.Benchmarks.Samplers;
using AsArm.Benchmarks.Statistics;
using AsArm.Benchmarks.Texts;
using AsArm.Inference.Infilling;

namespace AsArm.Benchmarks.Tables;

/// <summary>The samplers side by side at one temperature and size of batch.</summary>
/// <param name="Temperature">T.</param>
/// <param name="Batch">Texts of a batch.</param>
/// <param name="Rows">Of each kind of text each sampler.</param>
public sealed record SamplerTable(double Temperature, int Batch, IReadOnlyList<SamplerRow> Rows)
{
    /// <summary>The row of a sampler.</summary>
    public SamplerRow this[TextKind text, SamplerKind sampler] => Rows.Single(row => row.Text == text && row.Sampler == sampler);

    /// <summary>The table of a run that has taken place.</summary>
    public static SamplerTable Of(SamplerRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        return new(
            run.Setting.Temperature,
            run.Setting.Batch,
            [.. TextKinds.All.SelectMany(text => SamplerVariant.All.Select(variant => SamplerRow.Of(run, text, variant.Kind)))]);
    }

    /// <summary>The best of the exact samplers.</summary>
    /// <param name="text">On texts of this kind.</param>
    /// <param name="ratio">By this.</param>
    public double Best(TextKind text, Func<SamplerRow, Estimate?> ratio)
    {
        ArgumentNullException.ThrowIfNull(ratio);
        return SamplerVariant.Exact.Max(variant => ratio(this[text, variant.Kind])?.Value ?? double.NaN);
    }
}
