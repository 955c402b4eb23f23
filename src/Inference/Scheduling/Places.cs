namespace AsArm.Inference.Scheduling;

/// <summary>
/// A number of places, given first come, first served. Thread-safe. A wait is ended by the thread that gives a place back, cancels or closes, and needs
/// no thread of the pool, all of whose threads may be blocked by callers that wait. (A <see cref="SemaphoreSlim" /> needs one.)
/// </summary>
internal sealed class Places(int count)
{
    private readonly object _gate = new();
    private readonly LinkedList<Waiter> _waiting = []; // empty unless all places are taken
    private int _free = count;
    private Func<Exception>? _closed;

    /// <summary>Takes a place if there is one.</summary>
    public bool TryTake()
    {
        lock (_gate)
        {
            if (_free == 0)
                return false;
            _free--;
            return true;
        }
    }

    /// <summary>Takes a place, as soon as there is one.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task TakeAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_closed is not null)
                return Task.FromException(_closed());
            if (TryTake())
                return Task.CompletedTask;
            var waiter = new Waiter();
            waiter.Node = _waiting.AddLast(waiter);
            waiter.Cancellation = cancellationToken.UnsafeRegister((one, token) => Cancel((Waiter)one!, token), waiter);
            return waiter.Task;
        }
    }

    /// <summary>Gives a place back.</summary>
    public void Release()
    {
        lock (_gate)
        {
            if (_waiting.First is null)
                _free++;
            else
                Remove(_waiting.First.Value).TrySetResult();
        }
    }

    /// <summary>Ends all waits with an error.</summary>
    public void Close(Func<Exception> createError)
    {
        lock (_gate)
        {
            _closed = createError;
            while (_waiting.First is not null)
                Remove(_waiting.First.Value).TrySetException(createError());
        }
    }

    private void Cancel(Waiter waiter, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (waiter.Node!.List is not null)
                Remove(waiter).TrySetCanceled(cancellationToken);
        }
    }

    private Waiter Remove(Waiter waiter)
    {
        _waiting.Remove(waiter.Node!);
        waiter.Cancellation.Unregister();
        return waiter;
    }

    private sealed class Waiter() : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public LinkedListNode<Waiter>? Node { get; set; }

        public CancellationTokenRegistration Cancellation { get; set; }
    }
}
