using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace AsArm.Inference.Telemetry;

/// <summary>Counts and durations of forward passes.</summary>
internal static class PassInstruments
{
    private static readonly Counter<long>? s_passes = Listeners.Create(() => InfillTelemetry.Meter.CreateCounter<long>("asarm.forward_passes", "{pass}", "Forward passes of the network."));
    private static readonly Histogram<double>? s_duration = Listeners.Create(() => InfillTelemetry.Meter.CreateHistogram<double>("asarm.forward_pass.duration", "s", "Duration of a forward pass with the sampling after it.", tags: null, InfillTelemetry.DurationBuckets));
    private static readonly Histogram<long>? s_batchSize = Listeners.Create(() => InfillTelemetry.Meter.CreateHistogram<long>("asarm.batch.size", "{sequence}", "Sequences in a forward pass.", tags: null, InfillTelemetry.BatchBuckets));
    private static readonly Counter<long>? s_rows = Listeners.Create(() => InfillTelemetry.Meter.CreateCounter<long>("asarm.tokens.processed", "{token}", "Content and query positions that forward passes have computed."));
    private static readonly Counter<long>? s_cached = Listeners.Create(() => InfillTelemetry.Meter.CreateCounter<long>("asarm.cache.tokens", "{token}", "Content positions of forward passes whose keys and values were in the cache."));

    /// <summary>Whether anybody listens to a count that takes time to make.</summary>
    public static bool AreEnabled => s_rows is { Enabled: true } || s_cached is { Enabled: true };

    /// <summary>A forward pass has ended.</summary>
    public static void RecordPass(string model, int batchSize, TimeSpan time)
    {
        TagList tags = InfillTelemetry.Tags(model);
        Listeners.Measure(s_passes, 1, tags);
        Listeners.Measure(s_batchSize, batchSize, tags);
        Listeners.Measure(s_duration, time.TotalSeconds, tags);
    }

    /// <summary>What the passes have computed and read from the cache.</summary>
    public static void AddTokens(string model, long content, long queries, long cached)
    {
        TagList tags = InfillTelemetry.Tags(model);
        Listeners.Measure(s_cached, cached, tags);
        Listeners.Measure(s_rows, content, new TagList { { "asarm.model", model }, { "asarm.token.kind", "content" } });
        Listeners.Measure(s_rows, queries, new TagList { { "asarm.model", model }, { "asarm.token.kind", "query" } });
    }
}
