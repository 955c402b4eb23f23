using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using AsArm.Assd.Models;
using AsArm.Assd.Samplers;

namespace AsArm.Inference.Infilling;

/// <summary>Runs jobs on a model that callers share: they take turns, a forward pass each.</summary>
/// <param name="model">Serves one call at a time.</param>
/// <param name="maxBatchSize">Most sequences of a call.</param>
internal sealed class JobRunner(IAnySubsetModel model, int maxBatchSize) : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1, 1);

    /// <summary>
    /// An outcome for each request, in order: at most so many jobs in the loop, the next one enters when one is finished. Where the source
    /// throws, what was taken from it is filled and delivered first.
    /// </summary>
    public IEnumerable<InfillOutcome> Run(IEnumerable<PendingRequest> pendings, CancellationToken cancellationToken)
    {
        var batch = new JobBatch(model, maxBatchSize);
        Action step = () => batch.Step(cancellationToken);
        using IEnumerator<PendingRequest> source = pendings.GetEnumerator();
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
                    InTurn(step, cancellationToken);
                    batch.CompleteWindow();
                }

                while (batch.TryTake(out InfillOutcome? outcome))
                    yield return outcome;
            }

            failure?.Throw();
        }
        finally
        {
            InTurn(batch.Dispose, CancellationToken.None);
        }
    }

    /// <summary>
    /// The same for requests that arrive over time: a forward pass takes those that are there, and with none under way it waits for the next.
    /// </summary>
    public async IAsyncEnumerable<InfillOutcome> RunAsync(
        IAsyncEnumerable<PendingRequest> pendings, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var batch = new JobBatch(model, maxBatchSize);
        Action step = () => batch.Step(cancellationToken);
        using var source = new LiveSource<PendingRequest>(pendings, cancellationToken);
        try
        {
            while (!source.HasEnded || batch.IsRunning)
            {
                while (batch.HasRoom && await source.TryTakeAsync(wait: !batch.IsRunning).ConfigureAwait(false) is PendingRequest pending)
                {
                    batch.Add(pending);
                    while (batch.TryTake(out InfillOutcome? outcome)) // one that was refused
                        yield return outcome;
                }

                if (batch.IsRunning)
                {
                    await InTurnAsync(step, cancellationToken).ConfigureAwait(false);
                    batch.CompleteWindow();
                }

                while (batch.TryTake(out InfillOutcome? outcome))
                    yield return outcome;
            }

            source.ThrowIfFailed();
        }
        finally
        {
            await InTurnAsync(batch.Dispose, CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>One item per forward pass of a single job.</summary>
    public async IAsyncEnumerable<bool> StepsAsync(InfillJob job, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var loop = new SamplingLoop(model);
        var entering = new List<InfillJob> { job };
        Action step = () => Step(loop, entering, cancellationToken);
        try
        {
            while (!job.IsDone)
            {
                await InTurnAsync(step, cancellationToken).ConfigureAwait(false);
                if (job.CompleteWindow())
                    entering.Add(job);
                job.ThrowIfFailed();
                yield return true;
            }
        }
        finally
        {
            await InTurnAsync(loop.Dispose, CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>Waits for a call under way, then releases the model; callers in the queue go on to find it disposed.</summary>
    public void Dispose() => InTurn(() => (model as IDisposable)?.Dispose(), CancellationToken.None);

    /// <summary>While nobody else uses the model.</summary>
    public void InTurn(Action action, CancellationToken cancellationToken)
    {
        _turn.Wait(cancellationToken);
        try
        {
            action();
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task InTurnAsync(Action action, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await Task.Run(action, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>False at the end of the source, and where it throws.</summary>
    private static bool TryAddNext(IEnumerator<PendingRequest> source, JobBatch batch, ref ExceptionDispatchInfo? failure)
    {
        try
        {
            if (!source.MoveNext())
                return false;
            batch.Add(source.Current);
            return true;
        }
#pragma warning disable CA1031 // Thrown again once what was taken before is delivered.
        catch (Exception error)
#pragma warning restore CA1031
        {
            failure = ExceptionDispatchInfo.Capture(error);
            return false;
        }
    }

    private static void Step(SamplingLoop loop, List<InfillJob> entering, CancellationToken cancellationToken)
    {
        foreach (InfillJob job in entering)
            job.Start(loop);
        entering.Clear();
        loop.Step(cancellationToken);
    }
}
