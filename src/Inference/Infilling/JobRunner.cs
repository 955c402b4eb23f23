using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using AsArm.Assd.Models;
using AsArm.Assd.Samplers;

namespace AsArm.Inference.Infilling;

/// <summary>Runs jobs on a model that several callers share. Access is exclusive for one forward pass at a time.</summary>
/// <param name="model">The model; used for one forward pass at a time.</param>
/// <param name="maxBatchSize">Limit of the sequences of a forward pass.</param>
internal sealed class JobRunner(IAnySubsetModel model, int maxBatchSize) : IDisposable
{
    private readonly SemaphoreSlim _exclusive = new(1, 1);

    /// <summary>
    /// Runs requests with continuous batching and returns their outcomes in order. If the source throws, the requests that were taken from it are
    /// completed and delivered before the exception.
    /// </summary>
    public IEnumerable<InfillOutcome> Run(IEnumerable<PendingRequest> pendingRequests, CancellationToken cancellationToken)
    {
        var batch = new JobBatch(model, maxBatchSize);
        Action step = () => batch.Step(cancellationToken);
        using IEnumerator<PendingRequest> source = pendingRequests.GetEnumerator();
        ExceptionDispatchInfo? failure = null;
        try
        {
            for (bool more = true; more || batch.IsRunning;)
            {
                while (more && batch.HasRoom && (more = TryAddNext(source, batch, ref failure)))
                {
                }

                if (batch.IsRunning)
                {
                    RunExclusive(step, cancellationToken);
                    batch.CompleteFinished();
                }

                while (batch.TryTake(out InfillOutcome? outcome))
                    yield return outcome;
            }

            failure?.Throw();
        }
        finally
        {
            RunExclusive(batch.Dispose, CancellationToken.None);
        }
    }

    /// <summary>
    /// Runs requests that arrive over time. A forward pass includes the requests that have arrived; if none is running, the next one is awaited.
    /// </summary>
    public async IAsyncEnumerable<InfillOutcome> RunAsync(
        IAsyncEnumerable<PendingRequest> pendingRequests, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var batch = new JobBatch(model, maxBatchSize);
        Action step = () => batch.Step(cancellationToken);
        using var source = new LiveSource<PendingRequest>(pendingRequests, cancellationToken);
        try
        {
            while (!source.HasEnded || batch.IsRunning)
            {
                while (batch.HasRoom && await source.TryTakeAsync(wait: !batch.IsRunning).ConfigureAwait(false) is PendingRequest pending)
                {
                    batch.Add(pending);
                    while (batch.TryTake(out InfillOutcome? outcome)) // a refused request
                        yield return outcome;
                }

                if (batch.IsRunning)
                {
                    await RunExclusiveAsync(step, cancellationToken).ConfigureAwait(false);
                    batch.CompleteFinished();
                }

                while (batch.TryTake(out InfillOutcome? outcome))
                    yield return outcome;
            }

            source.ThrowIfFailed();
        }
        finally
        {
            await RunExclusiveAsync(batch.Dispose, CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>Runs a single job and yields after each forward pass.</summary>
    public async IAsyncEnumerable<bool> StepsAsync(InfillJob job, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var loop = new SamplingLoop(model);
        var starting = new List<InfillJob> { job };
        Action step = () => Step(loop, starting, cancellationToken);
        try
        {
            while (!job.IsDone)
            {
                await RunExclusiveAsync(step, cancellationToken).ConfigureAwait(false);
                if (job.CompleteWindow())
                    starting.Add(job);
                job.ThrowIfFailed();
                yield return true;
            }
        }
        finally
        {
            await RunExclusiveAsync(loop.Dispose, CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>Waits for a running forward pass, then releases the model; waiting callers find it disposed.</summary>
    public void Dispose() => RunExclusive(() => (model as IDisposable)?.Dispose(), CancellationToken.None);

    /// <summary>Runs an action with exclusive use of the model.</summary>
    public void RunExclusive(Action action, CancellationToken cancellationToken)
    {
        _exclusive.Wait(cancellationToken);
        try
        {
            action();
        }
        finally
        {
            _exclusive.Release();
        }
    }

    private async Task RunExclusiveAsync(Action action, CancellationToken cancellationToken)
    {
        await _exclusive.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await Task.Run(action, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _exclusive.Release();
        }
    }

    /// <summary>Adds the next request. False at the end of the source, or if it throws.</summary>
    private static bool TryAddNext(IEnumerator<PendingRequest> source, JobBatch batch, ref ExceptionDispatchInfo? failure)
    {
        try
        {
            if (!source.MoveNext())
                return false;
            batch.Add(source.Current);
            return true;
        }
#pragma warning disable CA1031 // Rethrown after the requests that were taken before.
        catch (Exception error)
#pragma warning restore CA1031
        {
            failure = ExceptionDispatchInfo.Capture(error);
            return false;
        }
    }

    private static void Step(SamplingLoop loop, List<InfillJob> starting, CancellationToken cancellationToken)
    {
        foreach (InfillJob job in starting)
            job.Start(loop);
        starting.Clear();
        loop.Step(cancellationToken);
    }
}
