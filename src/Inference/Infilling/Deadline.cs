using System.Diagnostics;

namespace AsArm.Inference.Infilling;

/// <summary>Cancels a request when its caller does, or when its time is up.</summary>
internal sealed class Deadline : IDisposable
{
    private readonly CancellationTokenSource? _source;
    private readonly CancellationToken _caller;
    private readonly TimeSpan? _timeout;
    private readonly long _start = Stopwatch.GetTimestamp();

    /// <param name="timeout">The time; null for no limit.</param>
    /// <param name="cancellationToken">The caller's token.</param>
    /// <exception cref="ArgumentOutOfRangeException">The time is not positive, or too long for a timer.</exception>
    public Deadline(TimeSpan? timeout, CancellationToken cancellationToken)
    {
        InfillOptions.RequireTimeout(timeout);
        (_timeout, _caller) = (timeout, cancellationToken);
        if (timeout is not TimeSpan time)
            return;
        _source = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _source.CancelAfter(time);
    }

    /// <summary>Cancelled by the caller or by the time.</summary>
    public CancellationToken Token => _source?.Token ?? _caller;

    /// <summary>Milliseconds until the time is up; -1 if there is no limit. At most what a wait takes, so that the caller has to ask again.</summary>
    public int MillisecondsLeft => _timeout is not TimeSpan time ? -1
        : (int)Math.Clamp(Math.Ceiling((time - Stopwatch.GetElapsedTime(_start)).TotalMilliseconds), 0, int.MaxValue);

    /// <summary>Cancels if the time is up, for a caller who blocks: the timer needs a thread of the pool, which there may not be.</summary>
    public void Check()
    {
        if (MillisecondsLeft == 0)
            _source!.Cancel();
    }

    /// <summary>Blocks until a task ends that is cancelled by <see cref="Token" />, and throws what it has thrown.</summary>
    public void Wait(Task task)
    {
        while (!task.IsCompleted && Task.WaitAny([task], MillisecondsLeft) < 0)
            Check();
        task.GetAwaiter().GetResult();
    }

    /// <summary>What the caller sees of a cancellation: their own, or a <see cref="TimeoutException" />.</summary>
    public Exception Translate(OperationCanceledException error)
    {
        if (_caller.IsCancellationRequested)
            return new OperationCanceledException(error.Message, error, _caller);
        return _source is { IsCancellationRequested: true }
            ? new TimeoutException($"The request was not finished within {_timeout!.Value.TotalSeconds:0.###} s.", error)
            : error;
    }

    public void Dispose() => _source?.Dispose();
}
