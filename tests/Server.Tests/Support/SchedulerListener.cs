using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using AsArm.Inference.Telemetry;

namespace AsArm.Server.Tests.Support;

/// <summary>Counts the requests of a model in its scheduler: those that wait, and those that have ended.</summary>
internal sealed class SchedulerListener : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly ConcurrentQueue<string?> _outcomes = [];
    private long _queued;

    /// <param name="model">Name of the model folder.</param>
    public SchedulerListener(string model)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == InfillTelemetry.Name && instrument.Name is "asarm.requests" or "asarm.queue.length")
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            Dictionary<string, object?> all = tags.ToArray().ToDictionary();
            if ((string?)all["asarm.model"] != model)
                return;
            if (instrument.Name == "asarm.requests")
                _outcomes.Enqueue((string?)all["asarm.outcome"]);
            else
                Interlocked.Add(ref _queued, value);
        });
        _listener.Start();
    }

    /// <summary>The number of requests that wait for their first forward pass.</summary>
    public long Queued => Interlocked.Read(ref _queued);

    /// <summary>The number of requests that have ended.</summary>
    /// <param name="outcome">ok, error, cancelled or timeout.</param>
    public int Ended(string outcome) => _outcomes.Count(one => one == outcome);

    public void Dispose() => _listener.Dispose();
}
