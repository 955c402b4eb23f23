using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using AsArm.Assd;

namespace AsArm.Inference;

/// <summary>Runs jobs on a model that callers share: they take turns, a model call each.</summary>
/// <param name="model">Serves one call at a time.</param>
/// <param name="maximumBatch">Most sequences of a call.</param>
internal sealed class JobRunner(IAnySubsetModel model, int maximumBatch) : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1, 1);

    /// <summary>
    /// An outcome for each request, in order: at most so many jobs in the loop, the next one enters when one is finished. Where the source
    /// throws, what was taken from it is filled and delivered first.
    /// </summary>
    public IEnumerable<InfillOutcome> Run(IEnumerable<InfillTicket> tickets, CancellationToken cancellation)
    {
        var batch = new JobBatch(model, maximumBatch);
        Action step = () => batch.Step(cancellation);
        using IEnumerator<InfillTicket> source = tickets.GetEnumerator();
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
                    InTurn(step, cancellation);
                    batch.Watch();
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
        IAsyncEnumerable<InfillTicket> tickets, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var batch = new JobBatch(model, maximumBatch);
        Action step = () => batch.Step(cancellation);
        using var source = new LiveSource<InfillTicket>(tickets, cancellation);
        try
        {
            while (!source.HasEnded || batch.IsRunning)
            {
                while (batch.HasRoom && await source.TryTakeAsync(wait: !batch.IsRunning).ConfigureAwait(false) is InfillTicket ticket)
                {
                    batch.Add(ticket);
                    while (batch.TryTake(out InfillOutcome? outcome)) // one that was refused
                        yield return outcome;
                }

                if (batch.IsRunning)
                {
                    await InTurnAsync(step, cancellation).ConfigureAwait(false);
                    batch.Watch();
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

    /// <summary>One item per model call of a single job.</summary>
    public async IAsyncEnumerable<bool> StepsAsync(InfillJob job, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var loop = new SamplingLoop(model);
        var entering = new List<InfillJob> { job };
        Action step = () => Step(loop, entering, cancellation);
        try
        {
            while (!job.IsDone)
            {
                await InTurnAsync(step, cancellation).ConfigureAwait(false);
                if (job.Watch())
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

    /// <summary>Waits for a call under way, then lets go of the model; callers in the queue go on to find it disposed.</summary>
    public void Dispose() => InTurn(() => (model as IDisposable)?.Dispose(), CancellationToken.None);

    /// <summary>While nobody else uses the model.</summary>
    public void InTurn(Action action, CancellationToken cancellation)
    {
        _turn.Wait(cancellation);
        try
        {
            action();
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task InTurnAsync(Action action, CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            await Task.Run(action, cancellation).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>False at the end of the source, and where it throws.</summary>
    private static bool TryAddNext(IEnumerator<InfillTicket> source, JobBatch batch, ref ExceptionDispatchInfo? failure)
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

    private static void Step(SamplingLoop loop, List<InfillJob> entering, CancellationToken cancellation)
    {
        foreach (InfillJob job in entering)
            job.Enter(loop);
        entering.Clear();
        loop.Step(cancellation);
    }
}
