using System.Runtime.CompilerServices;
using AsArm.Assd;

namespace AsArm.Inference;

/// <summary>Runs jobs on a model that callers share: they take turns, a model call each.</summary>
/// <param name="model">Serves one call at a time.</param>
/// <param name="maximumBatch">Most sequences of a call.</param>
/// <param name="ngrams">What samplers of jobs read, in turn only, to be let go of with the model.</param>
internal sealed class JobRunner(OnnxAnySubsetModel model, int maximumBatch, IDisposable? ngrams) : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly int _mostUndelivered = 16 * maximumBatch; // results that wait for an earlier one

    /// <summary>Continuous batching: at most so many jobs in the loop, the next one enters when one is finished.</summary>
    public IEnumerable<InfillResult> Run(IEnumerable<InfillJob> jobs, CancellationToken cancellation)
    {
        var loop = new SamplingLoop(model);
        var entering = new List<InfillJob>();
        Action step = () => Step(loop, entering, cancellation);
        var undelivered = new Queue<InfillJob>();
        using IEnumerator<InfillJob> source = jobs.GetEnumerator();
        try
        {
            bool more = true;
            while (true)
            {
                while (more && loop.Count + entering.Count < maximumBatch && undelivered.Count < _mostUndelivered && (more = source.MoveNext()))
                {
                    entering.Add(source.Current);
                    undelivered.Enqueue(source.Current);
                }

                while (undelivered.TryPeek(out InfillJob? job) && job.IsDone)
                    yield return undelivered.Dequeue().Result();
                if (loop.Count + entering.Count > 0)
                    InTurn(step, cancellation);
                else if (!more)
                    yield break;
                foreach (InfillJob job in undelivered)
                {
                    if (job.Watch())
                        entering.Add(job);
                }
            }
        }
        finally
        {
            InTurn(loop.Dispose, CancellationToken.None);
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
                yield return true;
            }
        }
        finally
        {
            await InTurnAsync(loop.Dispose, CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>Waits for a call under way, then lets go of the model; callers in the queue go on to find it disposed.</summary>
    public void Dispose() => InTurn(
        () =>
        {
            model.Dispose();
            ngrams?.Dispose();
        },
        CancellationToken.None);

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

    private static void Step(SamplingLoop loop, List<InfillJob> entering, CancellationToken cancellation)
    {
        foreach (InfillJob job in entering)
            job.Enter(loop);
        entering.Clear();
        loop.Step(cancellation);
    }
}
