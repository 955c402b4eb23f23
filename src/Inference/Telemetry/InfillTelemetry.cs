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

    /// <summary>The tag that all metrics have.</summary>
    internal static TagList Tags(string model) => new() { { "asarm.model", model } };
}
