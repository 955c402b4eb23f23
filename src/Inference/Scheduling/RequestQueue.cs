using AsArm.Inference.Telemetry;

namespace AsArm.Inference.Scheduling;

/// <summary>
/// A bounded queue, first come, first served, which requests can also leave from the middle. A place is reserved before a request is made. Not
/// thread-safe, except for reservations.
/// </summary>
/// <param name="model">Name of the model, for metrics.</param>
/// <param name="capacity">The maximum number of requests.</param>
#pragma warning disable CA1001 // The semaphore has no wait handle, and late callers may still use it.
internal sealed class RequestQueue(string model, int capacity)
#pragma warning restore CA1001
{
    private readonly LinkedList<ScheduledRequest> _requests = [];
    private readonly SemaphoreSlim _places = new(capacity, capacity);

    /// <summary>Number of requests.</summary>
    public int Count => _requests.Count;

    /// <summary>Reserves a place if there is one.</summary>
    public bool TryReserve() => _places.Wait(0);

    /// <summary>Waits for a place.</summary>
    public Task ReserveAsync(CancellationToken cancellationToken) => _places.WaitAsync(cancellationToken);

    /// <summary>Gives a reserved place back.</summary>
    public void CancelReservation() => _places.Release();

    /// <summary>Puts a request on a reserved place.</summary>
    public void Add(ScheduledRequest request)
    {
        request.Place = _requests.AddLast(request);
        RequestInstruments.AddQueued(model, 1);
    }

    /// <summary>Takes the request that has waited longest; there must be one.</summary>
    public ScheduledRequest Take()
    {
        ScheduledRequest request = _requests.First!.Value;
        Remove(request);
        request.QueueTime = request.Elapsed;
        RequestInstruments.RecordQueueTime(model, request.QueueTime);
        return request;
    }

    /// <summary>Removes a request that is in the queue.</summary>
    public void Remove(ScheduledRequest request)
    {
        _requests.Remove(request.Place!);
        request.Place = null;
        RequestInstruments.AddQueued(model, -1);
        _places.Release();
    }
}
