namespace AsArm.Inference.Scheduling;

/// <summary>
/// What callers and the thread of a scheduler share: requests that wait, requests between two of their sequences, and actions that need the model
/// to themselves. Thread-safe.
/// </summary>
#pragma warning disable CA1001 // Its token source has no timer, and late callers may still use it.
internal sealed class WorkQueue(SchedulerOptions options)
#pragma warning restore CA1001
{
    private readonly object _gate = new(); // pulsed when there is something to do
    private readonly Queue<ScheduledRequest> _resuming = new();
    private readonly Queue<Task> _exclusive = new();
    private readonly HashSet<ScheduledRequest> _unfinished = [];
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CancellationTokenSource _pass = new();
    private int _active; // requests in the batch that somebody waits for
    private int _betweenSequences; // requests that keep their place in the batch meanwhile
    private bool _isStopped;

    /// <summary>Cancels the current forward pass when nobody waits for any request in it.</summary>
    public CancellationToken PassToken { get; private set; }

    /// <summary>The requests that wait, for reservations.</summary>
    public RequestQueue Queue { get; } = new(options);

    /// <summary>Puts a request on its reserved place.</summary>
    /// <param name="request">The request.</param>
    /// <param name="onCancelled">Called when the caller cancels, until the request has ended.</param>
    /// <param name="cancellationToken">The caller's token.</param>
    /// <exception cref="ObjectDisposedException">No more requests are accepted.</exception>
    public void Enqueue(ScheduledRequest request, Action<ScheduledRequest, CancellationToken> onCancelled, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (Queue.IsClosed)
                Queue.CancelReservation();
            Queue.ThrowIfClosed();
            _unfinished.Add(request);
            Queue.Add(request);
            if (cancellationToken.CanBeCanceled)
                request.Watch(onCancelled, cancellationToken);
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Adds an action that needs the model to itself.</summary>
    /// <exception cref="ObjectDisposedException">No more requests are accepted.</exception>
    public void AddExclusive(Task exclusive)
    {
        lock (_gate)
        {
            Queue.ThrowIfClosed();
            _exclusive.Enqueue(exclusive);
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Waits until there is something to do, and takes it.</summary>
    /// <param name="starting">Requests whose next sequence joins the batch are added here.</param>
    /// <param name="running">Number of sequences in the batch.</param>
    /// <param name="exclusive">An action that is to be run first; null if there is none.</param>
    /// <returns>False at the end, when nothing is left to do.</returns>
    public bool TryTake(List<ScheduledRequest> starting, int running, out Task? exclusive)
    {
        lock (_gate)
        {
            while (running == 0 && Queue.Count == 0 && _resuming.Count == 0 && _exclusive.Count == 0)
            {
                if (_isStopped)
                {
                    exclusive = null;
                    return false;
                }

                Monitor.Wait(_gate);
            }

            _exclusive.TryDequeue(out exclusive);
            while (_resuming.TryDequeue(out ScheduledRequest? request))
                Start(request, starting);
            while (Queue.Count > 0 && running + _betweenSequences + starting.Count < options.MaxBatchSize)
                Start(Queue.Take(), starting);
            if (_pass.IsCancellationRequested)
                _pass = new CancellationTokenSource();
            PassToken = _pass.Token;
            return true;
        }
    }

    /// <summary>Takes a request out of the batch while its next sequence is prepared.</summary>
    public void Suspend(ScheduledRequest request)
    {
        lock (_gate)
        {
            Deactivate(request);
            _betweenSequences++;
        }
    }

    /// <summary>Puts a suspended request back, unless it has ended meanwhile.</summary>
    public void Resume(ScheduledRequest request)
    {
        lock (_gate)
        {
            _betweenSequences--;
            if (!request.HasEnded)
                _resuming.Enqueue(request);
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Ends a request in whatever state it is, unless it has ended before.</summary>
    /// <param name="request">The request.</param>
    /// <param name="end">Completes its task.</param>
    /// <param name="wasQueued">Whether it was still in the queue.</param>
    /// <returns>Whether it had not ended before.</returns>
    public bool End(ScheduledRequest request, Action<ScheduledRequest> end, out bool wasQueued)
    {
        lock (_gate)
        {
            wasQueued = request.Place is not null;
            if (!_unfinished.Remove(request))
                return false;
            if (wasQueued)
                Queue.Remove(request);
            Deactivate(request);
            end(request);
            if (_unfinished.Count == 0 && Queue.IsClosed)
                _drained.TrySetResult();
            return true;
        }
    }

    /// <summary>Stops the forward pass if nobody waits for a request in it. To be called after a request was cancelled.</summary>
    public void CancelUselessPass()
    {
        lock (_gate)
        {
            if (_active == 0)
                _pass.Cancel();
        }
    }

    /// <summary>Accepts no more requests.</summary>
    /// <returns>Completed when those that were accepted have ended.</returns>
    public Task Close()
    {
        lock (_gate)
        {
            Queue.Close();
            if (_unfinished.Count == 0)
                _drained.TrySetResult();
            return _drained.Task;
        }
    }

    /// <summary>Lets <see cref="TryTake" /> return false when nothing is left to do.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            _isStopped = true;
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>The requests that have not ended.</summary>
    public ScheduledRequest[] Unfinished()
    {
        lock (_gate)
            return [.. _unfinished];
    }

    private void Start(ScheduledRequest request, List<ScheduledRequest> starting)
    {
        if (request.HasEnded)
            return;
        request.IsActive = true;
        _active++;
        starting.Add(request);
    }

    private void Deactivate(ScheduledRequest request)
    {
        if (request.IsActive)
            _active--;
        request.IsActive = false;
    }
}
