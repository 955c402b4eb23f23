using System.Runtime.ExceptionServices;
using AsArm.Inference.Scheduling;
using AsArm.Inference.Telemetry;

namespace AsArm.Inference.Infilling;

/// <summary>Runs requests on a scheduler: a place in the queue, the job, its deadline, trace and metrics.</summary>
/// <param name="scheduler">The scheduler.</param>
/// <param name="model">Name of the model.</param>
internal sealed class RequestRunner(Scheduler scheduler, string model)
{
    /// <summary>Begins a request, whose steps the caller takes.</summary>
    /// <param name="plan">The request.</param>
    /// <param name="cancellationToken">The caller's token.</param>
    /// <exception cref="ArgumentOutOfRangeException">The time of the request is out of range.</exception>
    public RequestRun<TJob, TResult> Begin<TJob, TResult>(RequestPlan<TJob, TResult> plan, CancellationToken cancellationToken)
        where TJob : class, ISequenceJob => new(scheduler, model, plan, cancellationToken);

    /// <summary>Runs one request.</summary>
    /// <exception cref="TimeoutException">The time of the request is up.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    /// <exception cref="QueueFullException">The queue is full.</exception>
    /// <exception cref="ObjectDisposedException">The scheduler accepts no more requests.</exception>
    /// <inheritdoc cref="Begin" />
    public async Task<TResult> RunAsync<TJob, TResult>(RequestPlan<TJob, TResult> plan, CancellationToken cancellationToken)
        where TJob : class, ISequenceJob
    {
        using RequestRun<TJob, TResult> run = Begin(plan, cancellationToken);
        try
        {
            await run.ReserveAsync().ConfigureAwait(false);
            await run.SubmitAsync().ConfigureAwait(false);
            return run.GetResult();
        }
        catch (Exception error)
        {
            ExceptionDispatchInfo.Throw(run.Fail(error));
            throw;
        }
    }

    /// <summary>Runs one request, and blocks the thread meanwhile, without need of another one.</summary>
    /// <inheritdoc cref="RunAsync" />
    public TResult Run<TJob, TResult>(RequestPlan<TJob, TResult> plan, CancellationToken cancellationToken)
        where TJob : class, ISequenceJob
    {
        using RequestRun<TJob, TResult> run = Begin(plan, cancellationToken);
        try
        {
            run.Deadline.Wait(run.ReserveAsync());
            run.Deadline.Wait(run.SubmitAsync());
            return run.GetResult();
        }
        catch (Exception error)
        {
            ExceptionDispatchInfo.Throw(run.Fail(error));
            throw;
        }
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
