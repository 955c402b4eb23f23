using AsArm.Cli.Bench;
using AsArm.Inference.Infilling;

namespace AsArm.Perf.Samplers;

/// <summary>The chart of the exact samplers.</summary>
internal static class SamplersChart
{
    public static string Draw(SamplerRun run)
    {
        SamplerVariant[] samplers = [.. SamplerVariant.Usual.Where(variant => variant.IsExact)];
        var chart = new BarChart
        {
            Title = $"Exact samplers on the default model: T = {run.Temperature}, {(run.Batch == 1 ? "one text at a time" : $"batches of {run.Batch}")}",
            Groups = [.. SamplersReport.Names.Values],
            Series = [.. samplers.Select(sampler => sampler.Name)],
            Panels =
            [
                new("Tokens per call / assd", Values(SamplerKind.Assd, (own, other) => own.TokensPerForwardPassOver(other))),
                new("Speed of a request / sequential", Values(SamplerKind.Sequential, (own, other) => own.SpeedOver(other))),
            ],
            MarkCached = "More is better. Whiskers: 95 % intervals over texts and seeds.",
        };
        return chart.ToSvg();

        PairedRatio[][] Values(SamplerKind baseline, Func<SamplerTally, SamplerTally, PairedRatio> ratio) =>
        [
            .. SamplersReport.Names.Keys.Select(
                kind => (PairedRatio[])[.. samplers.Select(sampler => ratio(run[kind, sampler], run[kind, baseline]))]),
        ];
    }
}
