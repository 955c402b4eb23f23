using System.Diagnostics;
using System.Security.Cryptography;
using AsArm.Inference.Infilling;
using AsArm.Inference.Text;
using AsArm.Server.Telemetry;

namespace AsArm.Server.Requests;

/// <summary>Several samples of one text.</summary>
internal static class Samples
{
    /// <summary>Options with the seeds S, S + 1, ... (beyond the largest one from the smallest on); S is drawn if there is none.</summary>
    public static InfillOptions[] OptionsOf(InfillOptions options, int count)
    {
        long seed = options.Seed ?? RandomNumberGenerator.GetInt32(int.MaxValue);
        return [.. Enumerable.Range(0, count).Select(i => options with { Seed = unchecked(seed + i) })];
    }

    /// <summary>Fills a prompt several times, in the same forward passes. If one fails, the others are cancelled.</summary>
    public static Task<InfillResult[]> FillAsync(
        ITextInfiller infiller, InfillPrompt prompt, IEnumerable<InfillOptions> options, RequestMeasurement measurement, CancellationToken cancellationToken) =>
        AllOrNothing.RunAsync(token => options.Select(one => FillAsync(infiller, prompt, one, measurement, token)), cancellationToken);

    /// <summary>The same, but where the queue is full they wait for places in it.</summary>
    public static async Task<InfillResult[]> FillWhenThereIsRoomAsync(
        ITextInfiller infiller, InfillPrompt prompt, IEnumerable<InfillOptions> options, RequestMeasurement measurement, CancellationToken cancellationToken)
    {
        long submitted = Stopwatch.GetTimestamp();
        var results = new List<InfillResult>();
        await foreach (InfillOutcome outcome in infiller.InfillBatchAsync(options.Select(one => new InfillRequest(prompt, one)).ToAsyncEnumerable(), cancellationToken))
        {
            results.Add(outcome.ResultOrThrow());
            Count(results[^1], measurement, submitted);
        }

        return [.. results];
    }

    private static async Task<InfillResult> FillAsync(
        ITextInfiller infiller, InfillPrompt prompt, InfillOptions options, RequestMeasurement measurement, CancellationToken cancellationToken)
    {
        long submitted = Stopwatch.GetTimestamp();
        InfillResult result = await infiller.InfillAsync(prompt, options, cancellationToken);
        Count(result, measurement, submitted);
        return result;
    }

    private static void Count(InfillResult result, RequestMeasurement measurement, long submitted) =>
        measurement.AddTokens(result.Usage.GeneratedTokens, submitted + (long)(result.TimeToFirstToken.TotalSeconds * Stopwatch.Frequency));
}
