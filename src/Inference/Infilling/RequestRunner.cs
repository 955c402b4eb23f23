using System.Diagnostics;
using AsArm.Inference.Scheduling;
using AsArm.Inference.Telemetry;

namespace AsArm.Inference.Infilling;

/// <summary>Runs requests on a scheduler: a place in the queue, the job, its deadline, trace and metrics.</summary>
/// <param name="scheduler">The scheduler.</param>
/// <param name="model">Name of the model.</param>
internal sealed class RequestRunner(Scheduler scheduler, string model)
{
    /// <summary>Runs one request.</summary>
    /// <param name="request">The request.</param>
    /// <param name="blocks">Whether to block the thread instead of returning an unfinished task.</param>
    /// <param name="cancellationToken">The caller's token.</param>
    /// <exception cref="TimeoutException">The time of the request is up.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    /// <exception cref="QueueFullException">The queue is full.</exception>
    /// <exception cref="ObjectDisposedException">The scheduler accepts no more requests.</exception>
    public async Task<TResult> RunAsync<TJob, TResult>(RequestPlan<TJob, TResult> request, bool blocks, CancellationToken cancellationToken)
        where TJob : class, ISequenceJob
    {
        long submitted = Stopwatch.GetTimestamp();
        using var deadline = new Deadline(request.Timeout, cancellationToken);
        using var trace = new RequestTrace(model, request.Operation);
        try
        {
            await WaitFor(scheduler.ReserveAsync(request.WaitsForPlace, deadline.Token).AsTask(), blocks).ConfigureAwait(false);
            TJob job = Prepare(request.Prepare);
            ScheduledRequest scheduled = scheduler.Submit(job, submitted, deadline.Token);
            await WaitFor(scheduled.Task, blocks).ConfigureAwait(false);
            return request.GetResult(job, scheduled.QueueTime, trace);
        }
        catch (Exception error)
        {
            Exception seen = error is OperationCanceledException cancelled ? deadline.Translate(cancelled) : error;
            trace.Fail(seen);
            if (seen == error)
                throw;
            throw seen;
        }
    }

    private TJob Prepare<TJob>(Func<TJob> prepare)
    {
        try
        {
            return prepare();
        }
        catch
        {
            scheduler.CancelReservation();
            throw;
        }
    }

    private static Task WaitFor(Task task, bool blocks)
    {
        if (blocks)
            task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing).GetAwaiter().GetResult();
        return task;
    }
}

/// <summary>A request that is to be run.</summary>
/// <param name="Operation">infill, score or candidates.</param>
/// <param name="Timeout">The time that it may take; null for no limit.</param>
/// <param name="WaitsForPlace">Whether it waits if the queue is full, whatever <see cref="QueueFullMode" /> is.</param>
/// <param name="Prepare">Validates and encodes it.</param>
/// <param name="GetResult">Makes the result of a job that is done.</param>
internal sealed record RequestPlan<TJob, TResult>(
    string Operation, TimeSpan? Timeout, bool WaitsForPlace, Func<TJob> Prepare, Func<TJob, TimeSpan, RequestTrace, TResult> GetResult);
