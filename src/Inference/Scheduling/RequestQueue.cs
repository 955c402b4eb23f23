namespace AsArm.Inference.Scheduling;

/// <summary>
/// A bounded queue, first come, first served, which requests can also leave from the middle. A place is reserved before a request is made.
/// Reservations are thread-safe; for all else <see cref="WorkQueue" /> holds its lock.
/// </summary>
internal sealed class RequestQueue(SchedulerOptions options)
{
    private readonly LinkedList<ScheduledRequest> _requests = [];
    private readonly Places _places = new(options.MaxQueued);
    private volatile bool _isClosed;

    /// <summary>Number of requests.</summary>
    public int Count => _requests.Count;

    /// <summary>Whether no more requests are accepted.</summary>
    public bool IsClosed => _isClosed;

    /// <summary>Reserves a place if there is one.</summary>
    /// <param name="waits">Whether to wait if the queue is full, whatever <see cref="SchedulerOptions.QueueFullMode" /> is.</param>
    /// <returns>False if the caller has to wait.</returns>
    /// <exception cref="QueueFullException">The queue is full.</exception>
    /// <exception cref="ObjectDisposedException">No more requests are accepted.</exception>
    public bool TryReserve(bool waits)
    {
        ThrowIfClosed();
        if (_places.TryTake())
            return true;
        if (!waits && options.QueueFullMode == QueueFullMode.Reject)
            throw new QueueFullException($"{options.MaxQueued} requests wait for {options.Model}, the most that are accepted. Retry later.");
        return false;
    }

    /// <summary>Waits for a place.</summary>
    /// <exception cref="ObjectDisposedException">No more requests are accepted.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public Task ReserveAsync(CancellationToken cancellationToken) => _places.TakeAsync(cancellationToken);

    /// <summary>Gives a reserved place back.</summary>
    public void CancelReservation() => _places.Release();

    /// <summary>Puts a request on a reserved place.</summary>
    public void Add(ScheduledRequest request) => request.Place = _requests.AddLast(request);

    /// <summary>Takes the request that has waited longest; there must be one.</summary>
    public ScheduledRequest Take()
    {
        ScheduledRequest request = _requests.First!.Value;
        Remove(request);
        request.QueueTime = request.Elapsed;
        return request;
    }

    /// <summary>Removes a request that is in the queue.</summary>
    public void Remove(ScheduledRequest request)
    {
        _requests.Remove(request.Place!);
        request.Place = null;
        _places.Release();
    }

    /// <summary>Accepts no more requests, and ends the wait for places.</summary>
    public void Close()
    {
        _isClosed = true;
        _places.Close(Closed);
    }

    /// <summary>Throws if no more requests are accepted.</summary>
    public void ThrowIfClosed()
    {
#pragma warning disable CA1513 // It names the object that callers know.
        if (IsClosed)
            throw Closed();
#pragma warning restore CA1513
    }

    private static ObjectDisposedException Closed() => new("TextInfiller");
}
