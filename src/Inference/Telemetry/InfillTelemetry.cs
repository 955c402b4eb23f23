using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace AsArm.Inference.Telemetry;

/// <summary>
/// Names of the traces and metrics of AsArm, for OpenTelemetry's <c>AddSource</c> and <c>AddMeter</c>. docs/telemetry.md lists spans, instruments,
/// units and tags. Nothing is measured unless somebody listens.
/// </summary>
public static class InfillTelemetry
{
    /// <summary>Name of the <see cref="ActivitySource" /> and of the <see cref="Meter" />.</summary>
    public const string Name = "AsArm";

    internal static ActivitySource? Source { get; } = Listeners.Create(() => new ActivitySource(Name));

    internal static Meter Meter { get; } = new(Name);

    /// <summary>Buckets of durations in seconds, from a forward pass of a small model to a long request.</summary>
    internal static InstrumentAdvice<double> DurationBuckets { get; } = new() { HistogramBucketBoundaries = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100] };

    /// <summary>Buckets of numbers of sequences in a forward pass.</summary>
    internal static InstrumentAdvice<long> BatchBuckets { get; } = new() { HistogramBucketBoundaries = [1, 2, 3, 4, 6, 8, 12, 16] };

    /// <summary>The tag that all metrics have.</summary>
    internal static TagList Tags(string model) => new() { { "asarm.model", model } };
}
