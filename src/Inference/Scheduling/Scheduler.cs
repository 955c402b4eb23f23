using System.Diagnostics;
using AsArm.Assd.Models;
using AsArm.Inference.Telemetry;

namespace AsArm.Inference.Scheduling;

/// <summary>
/// Runs the requests of all callers on one model. They wait in a bounded queue, first come, first served; one thread alone uses the model, and
/// runs forward passes over up to <see cref="SchedulerOptions.MaxBatchSize" /> sequences, which leave when they are done and let the next ones in
/// (continuous batching). Thread-safe.
/// </summary>
internal sealed class Scheduler : IDisposable
{
    private readonly IAnySubsetModel _model;
    private readonly SchedulerOptions _options;
    private readonly WorkQueue _work;
    private readonly Thread _thread;
    private readonly Lazy<bool> _start;

    /// <param name="model">The model; disposed with the scheduler.</param>
    /// <param name="options">Settings.</param>
    public Scheduler(IAnySubsetModel model, SchedulerOptions options)
    {
        (_model, _options, _work) = (model, options, new WorkQueue(options));
        _thread = new Thread(Run) { IsBackground = true, Name = $"asarm {options.Model}" };
        _start = new Lazy<bool>(() =>
        {
            _thread.UnsafeStart();
            return true;
        });
    }

    /// <summary>Reserves a place in the queue for a request; to be followed by <see cref="Submit" /> or <see cref="CancelReservation" />.</summary>
    /// <param name="waits">Whether to wait if the queue is full, whatever <see cref="SchedulerOptions.QueueFullMode" /> is.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="QueueFullException">The queue is full.</exception>
    /// <exception cref="ObjectDisposedException">No more requests are accepted.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public Task ReserveAsync(bool waits, CancellationToken cancellationToken) =>
        TryReserve(waits, cancellationToken) ? Task.CompletedTask : _work.Queue.ReserveAsync(cancellationToken);

    /// <summary>Reserves a place if there is one.</summary>
    /// <inheritdoc cref="ReserveAsync" />
    public bool TryReserve(bool waits, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return _work.Queue.TryReserve(waits);
    }

    /// <summary>Gives a reserved place back.</summary>
    public void CancelReservation() => _work.Queue.CancelReservation();

    /// <summary>Puts a job on the reserved place in the queue. The task of the request ends with the last sequence of the job, its error, or its cancellation.</summary>
    /// <param name="job">The job.</param>
    /// <param name="submitted">When the caller submitted it, as a timestamp of <see cref="Stopwatch" />.</param>
    /// <param name="cancellationToken">Ends the request at once; a forward pass is cancelled if nobody else waits for it.</param>
    /// <exception cref="ObjectDisposedException">No more requests are accepted.</exception>
    public ScheduledRequest Submit(ISequenceJob job, long submitted, CancellationToken cancellationToken)
    {
        var request = new ScheduledRequest(job, submitted);
        _work.Enqueue(request, Cancel, cancellationToken);
        _ = _start.Value;
        RequestInstruments.AddQueued(_options.Model, 1);
        return request;
    }

    /// <summary>Runs an action between two forward passes, while nobody else uses the model.</summary>
    /// <exception cref="ObjectDisposedException">No more requests are accepted.</exception>
    public Task RunExclusiveAsync(Action action)
    {
        var exclusive = new Task(action, TaskCreationOptions.RunContinuationsAsynchronously);
        _work.AddExclusive(exclusive);
        _ = _start.Value;
        return exclusive;
    }

    /// <summary>Accepts no more requests, and waits for those that were accepted.</summary>
    /// <param name="cancellationToken">Cancels the requests that are left.</param>
    /// <exception cref="OperationCanceledException">Cancelled before all requests had ended.</exception>
    public async Task DrainAsync(CancellationToken cancellationToken)
    {
        Task drained = _work.Close();
        try
        {
            await drained.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            foreach (ScheduledRequest request in _work.Unfinished())
                Cancel(request, cancellationToken);
            throw;
        }
    }

    /// <summary>Ends all requests with <see cref="ObjectDisposedException" />, waits for the forward pass, and disposes of the model.</summary>
    public void Dispose()
    {
        _work.Close();
        foreach (ScheduledRequest request in _work.Unfinished())
            End(request, ended => ended.Fail(new ObjectDisposedException("TextInfiller")));
        _work.CancelUselessPass();
        _work.Stop();
        _ = _start.Value; // the thread disposes of the model, so that no other can use it meanwhile
        if (Thread.CurrentThread != _thread)
            _thread.Join();
    }

    private void Run()
    {
        using var batch = new ActiveBatch(_model, _options, (request, error) => End(request, ended => ended.Fail(error)));
        var requests = new List<ScheduledRequest>();
        while (_work.TryTake(requests, batch.Count, out Task? exclusive))
        {
            try
            {
                exclusive?.RunSynchronously();
                Step(batch, requests);
            }
#pragma warning disable CA1031 // A defect, or a lack of memory: nobody may wait for ever.
            catch (Exception error)
#pragma warning restore CA1031
            {
                foreach (ScheduledRequest request in _work.Unfinished())
                    _work.End(request, ended => ended.Fail(error), out _);
                batch.RemoveEnded();
            }

            requests.Clear();
        }

        (_model as IDisposable)?.Dispose();
    }

    /// <summary>Lets requests join the batch, and runs a forward pass.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="requests">Those that join; changed.</param>
    private void Step(ActiveBatch batch, List<ScheduledRequest> requests)
    {
        foreach (ScheduledRequest request in requests)
            Start(batch, request);
        requests.Clear();
        if (batch.Count > 0)
            batch.Step(requests, _work.PassToken);
        batch.RemoveEnded();
        requests.ForEach(EndSequence);
    }

    private void Start(ActiveBatch batch, ScheduledRequest request)
    {
        batch.Add(request);
        if (request.HasStarted)
            return;
        request.HasStarted = true;
        RequestInstruments.AddQueued(_options.Model, -1);
        RequestInstruments.RecordQueueTime(_options.Model, request.QueueTime);
    }

    /// <summary>
    /// Ends a request whose step is done, or prepares its next one on a thread of its own: blocked callers may occupy all threads of the pool. There are
    /// never more of these threads than places in the batch, and starting one is cheap beside the forward passes of a sequence.
    /// </summary>
    private void EndSequence(ScheduledRequest request)
    {
        if (!request.Job.HasMore)
            End(request, ended => ended.Complete());
        else if (!request.HasEnded)
        {
            _work.Suspend(request);
            new Thread(() => MoveNext(request)) { IsBackground = true, Name = $"asarm {_options.Model} window" }.UnsafeStart();
        }
    }

    private void MoveNext(ScheduledRequest request)
    {
        try
        {
            request.Job.MoveNext();
            if (request.Job.SequenceCount == 0)
                End(request, ended => ended.Complete());
        }
#pragma warning disable CA1031 // It is the error of this request.
        catch (Exception error)
#pragma warning restore CA1031
        {
            End(request, ended => ended.Fail(error));
        }

        _work.Resume(request);
    }

    private void Cancel(ScheduledRequest request, CancellationToken cancellationToken)
    {
        if (End(request, ended => ended.Cancel(cancellationToken)))
            _work.CancelUselessPass();
    }

    private bool End(ScheduledRequest request, Action<ScheduledRequest> end)
    {
        bool ended = _work.End(request, end, out bool wasQueued);
        if (ended && wasQueued)
            RequestInstruments.AddQueued(_options.Model, -1);
        return ended;
    }
}
