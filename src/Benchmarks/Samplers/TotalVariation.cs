using AsArm.Benchmarks.Statistics;
using AsArm.Benchmarks.Texts;
using AsArm.Inference.Infilling;

namespace AsArm.Benchmarks.Samplers;

/// <summary>
/// How far the distribution of the parallel sampler is from the model's joint: the total variation distance, estimated from its own samples x as the mean
/// of max(0, 1 - joint(x) / parallel(x)), which has no bias.
/// </summary>
public static class TotalVariation
{
    /// <summary>The mean over texts with a 95 % interval.</summary>
    /// <param name="infiller">The model.</param>
    /// <param name="gap">Tokens of the one gap of each text.</param>
    /// <param name="samples">Samples of each text.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public static Estimate Measure(TextInfiller infiller, int gap, int samples, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(infiller);
        var means = new List<double>();
        for (int i = 0; i < BenchmarkTexts.Count; i++)
        {
            string text = BenchmarkTexts.OneGap(i, gap);
            InfillRequest[] requests = [.. Enumerable.Range(0, samples).Select(seed => new InfillRequest(
                text, new InfillOptions { Sampler = SamplerKind.Parallel, Seed = 1000 * i + seed }))];
            means.Add(infiller.InfillBatch(requests, cancellationToken).Average(result =>
                Math.Max(0, 1 - Math.Exp(infiller.JointLogProbability(result, cancellationToken) - result.Statistics.LogProbability))));
        }

        return Estimate.OfMean(means);
    }
}
