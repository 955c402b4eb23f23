using System.Diagnostics;
using System.Diagnostics.Metrics;
using AsArm.Assd.Samplers.Fused;

namespace AsArm.Inference.Telemetry;

/// <summary>Counts and durations of requests, by operation and outcome.</summary>
internal static class RequestInstruments
{
    private static readonly Counter<long>? s_requests = Listeners.Create(() => InfillTelemetry.Meter.CreateCounter<long>("asarm.requests", "{request}", "Requests that have ended."));
    private static readonly UpDownCounter<long>? s_queued = Listeners.Create(() => InfillTelemetry.Meter.CreateUpDownCounter<long>("asarm.queue.length", "{request}", "Requests that wait for their first forward pass."));
    private static readonly Histogram<double>? s_queueTime = Listeners.Create(() => InfillTelemetry.Meter.CreateHistogram<double>("asarm.queue.duration", "s", "Time from submission to the first forward pass.", tags: null, InfillTelemetry.DurationBuckets));
    private static readonly Histogram<double>? s_duration = Listeners.Create(() => InfillTelemetry.Meter.CreateHistogram<double>("asarm.request.duration", "s", "Time from submission to the outcome.", tags: null, InfillTelemetry.DurationBuckets));
    private static readonly Counter<long>? s_generated = Listeners.Create(() => InfillTelemetry.Meter.CreateCounter<long>("asarm.tokens.generated", "{token}", "Tokens that were committed for requests that have ended."));
    private static readonly Counter<long>? s_draftTokens = Listeners.Create(() => InfillTelemetry.Meter.CreateCounter<long>("asarm.draft.tokens", "{token}", "Draft tokens of requests that have ended, by source and outcome."));

    /// <summary>A request joined the queue (1) or left it (-1).</summary>
    public static void AddQueued(string model, int change) => Listeners.Measure(s_queued, change, InfillTelemetry.Tags(model));

    /// <summary>A request left the queue for its first forward pass.</summary>
    public static void RecordQueueTime(string model, TimeSpan time) => Listeners.Measure(s_queueTime, time.TotalSeconds, InfillTelemetry.Tags(model));

    /// <summary>A request has ended.</summary>
    /// <param name="model">Name of the model.</param>
    /// <param name="operation">infill, score or candidates.</param>
    /// <param name="outcome">ok, error, cancelled or timeout.</param>
    /// <param name="time">Time since its submission.</param>
    public static void RecordRequest(string model, string operation, string outcome, TimeSpan time)
    {
        var tags = new TagList { { "asarm.model", model }, { "asarm.operation", operation }, { "asarm.outcome", outcome } };
        Listeners.Measure(s_requests, 1, tags);
        Listeners.Measure(s_duration, time.TotalSeconds, tags);
    }

    /// <summary>Tokens that a request has committed.</summary>
    public static void AddGenerated(string model, int tokens) => Listeners.Measure(s_generated, tokens, InfillTelemetry.Tags(model));

    /// <summary>Draft tokens that a request has drawn from a source.</summary>
    public static void AddDrafts(string model, string source, DraftCounts counts)
    {
        if (s_draftTokens is not { Enabled: true })
            return;
        foreach ((string outcome, int count) in new[] { ("accepted", counts.Accepted), ("rejected", counts.Verified - counts.Accepted), ("unverified", counts.Drafted - counts.Verified) })
            Listeners.Measure(s_draftTokens, count, new TagList { { "asarm.model", model }, { "asarm.draft.source", source }, { "asarm.draft.outcome", outcome } });
    }
}
