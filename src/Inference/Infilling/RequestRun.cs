using System.Diagnostics;
using AsArm.Inference.Scheduling;
using AsArm.Inference.Telemetry;

namespace AsArm.Inference.Infilling;

/// <summary>
/// The steps of one request: <see cref="ReserveAsync" />, <see cref="SubmitAsync" />, <see cref="GetResult" />. An asynchronous caller awaits the tasks; a
/// blocking one waits for them, and as they are completed by the scheduler itself, needs no other thread.
/// </summary>
internal sealed class RequestRun<TJob, TResult> : IDisposable
    where TJob : class, ISequenceJob
{
    private readonly long _submitted = Stopwatch.GetTimestamp();
    private readonly Scheduler _scheduler;
    private readonly RequestPlan<TJob, TResult> _plan;
    private readonly RequestTrace _trace;
    private TJob? _job;
    private ScheduledRequest? _scheduled;
    private bool _isDisposed;

    /// <param name="scheduler">The scheduler.</param>
    /// <param name="model">Name of the model.</param>
    /// <param name="plan">The request.</param>
    /// <param name="cancellationToken">The caller's token.</param>
    /// <exception cref="ArgumentOutOfRangeException">The time of the request is out of range.</exception>
    public RequestRun(Scheduler scheduler, string model, RequestPlan<TJob, TResult> plan, CancellationToken cancellationToken)
    {
        (_scheduler, _plan) = (scheduler, plan);
        Deadline = new Deadline(plan.Timeout, cancellationToken);
        _trace = new RequestTrace(model, plan.Operation);
    }

    /// <summary>Cancels the request when its time is up.</summary>
    public Deadline Deadline { get; }

    /// <summary>Waits for a place in the queue.</summary>
    public Task ReserveAsync() => ReserveUntilAsync(Deadline.Token);

    /// <summary>Waits for a place in the queue, until this very wait is cancelled.</summary>
    public Task ReserveUntilAsync(CancellationToken cancellationToken) => _scheduler.ReserveAsync(_plan.WaitsForPlace, cancellationToken);

    /// <summary>Takes a place in the queue if there is one.</summary>
    public bool TryReserve() => _scheduler.TryReserve(_plan.WaitsForPlace, Deadline.Token);

    /// <summary>Encodes the request on this thread, and puts it on the reserved place. The task ends with it.</summary>
    public Task SubmitAsync()
    {
        try
        {
            _job = _plan.Prepare();
        }
        catch
        {
            _scheduler.CancelReservation();
            throw;
        }

        _scheduled = _scheduler.Submit(_job, _submitted, Deadline.Token);
        return _scheduled.Task;
    }

    /// <summary>The result, after the last step.</summary>
    public TResult GetResult() => _plan.GetResult(_job!, _scheduled!.QueueTime, _trace);

    /// <summary>Records what a step has thrown.</summary>
    /// <returns>What the caller sees of it.</returns>
    public Exception Fail(Exception error)
    {
        Exception seen = error is OperationCanceledException cancelled ? Deadline.Translate(cancelled) : error;
        _trace.Fail(seen);
        return seen;
    }

    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        _trace.Dispose();
        Deadline.Dispose();
    }
}
