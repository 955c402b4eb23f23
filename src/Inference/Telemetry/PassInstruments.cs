using System.Diagnostics.Metrics;

namespace AsArm.Inference.Telemetry;

/// <summary>Counts and durations of forward passes.</summary>
internal static class PassInstruments
{
    private static readonly Counter<long> s_passes = InfillTelemetry.Meter.CreateCounter<long>("asarm.forward_passes", "{pass}", "Forward passes of the network.");
    private static readonly Histogram<double> s_duration = InfillTelemetry.Meter.CreateHistogram<double>("asarm.forward_pass.duration", "s", "Duration of a forward pass with the sampling after it.");
    private static readonly Histogram<long> s_batchSize = InfillTelemetry.Meter.CreateHistogram<long>("asarm.batch.size", "{sequence}", "Sequences in a forward pass.");
    private static readonly Counter<long> s_rows = InfillTelemetry.Meter.CreateCounter<long>("asarm.tokens.processed", "{token}", "Content and query positions that forward passes have computed.");
    private static readonly Counter<long> s_cached = InfillTelemetry.Meter.CreateCounter<long>("asarm.cache.tokens", "{token}", "Content positions of forward passes whose keys and values were in the cache.");

    /// <summary>Whether anybody listens to a count that takes time to make.</summary>
    public static bool AreEnabled => s_rows.Enabled || s_cached.Enabled;

    /// <summary>A forward pass has ended.</summary>
    public static void RecordPass(string model, int batchSize, TimeSpan time)
    {
        KeyValuePair<string, object?> tag = InfillTelemetry.ModelTag(model);
        s_passes.Add(1, tag);
        s_batchSize.Record(batchSize, tag);
        s_duration.Record(time.TotalSeconds, tag);
    }

    /// <summary>What the passes have computed and read from the cache.</summary>
    public static void AddTokens(string model, long content, long queries, long cached)
    {
        s_rows.Add(content, InfillTelemetry.ModelTag(model), new("asarm.token.kind", "content"));
        s_rows.Add(queries, InfillTelemetry.ModelTag(model), new("asarm.token.kind", "query"));
        s_cached.Add(cached, InfillTelemetry.ModelTag(model));
    }
}
