using System.Runtime.ExceptionServices;
using AsArm.Assd.Models;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>
/// A request of a batch whose caller blocks. It goes on only on the caller's thread, so that the batch needs no thread of the pool. It waits in line for a
/// place in the queue only from <see cref="BeginWait" /> to <see cref="EndWait" />, so that a caller who does not come back for the next outcome holds no place.
/// </summary>
internal sealed class BatchedRequest : IDisposable
{
    private readonly InfillRequest _request;
    private readonly RequestRun<IInfillJob, InfillResult>? _run;
    private InfillOutcome? _outcome;
    private ExceptionDispatchInfo? _failure; // of the whole batch
    private Task? _submitted;
    private Task? _place;
    private CancellationTokenSource? _waiting;

    /// <summary>A request that was refused.</summary>
    public BatchedRequest(InfillRequest request, Exception refusal) => (_request, _outcome) = (request, new InfillOutcome(request, null, refusal));

    /// <summary>A request that is to be run.</summary>
    public BatchedRequest(InfillRequest request, RequestRun<IInfillJob, InfillResult> run) => (_request, _run) = (request, run);

    /// <summary>Whether it has an outcome, or an error that ends the batch.</summary>
    public bool IsDone => _outcome is not null || _failure is not null;

    /// <summary>Whether it has had a place in the queue.</summary>
    public bool IsSubmitted => _submitted is not null;

    /// <summary>Milliseconds until its time is up; -1 if there is no limit.</summary>
    public int MillisecondsLeft => _run?.Deadline.MillisecondsLeft ?? -1;

    /// <summary>Whether an error is that of a request, and not of the whole batch.</summary>
    public static bool IsOfRequest(Exception error) =>
        error is InfillTextException or ArgumentException or ModelOutputException or ModelRunException or TimeoutException;

    /// <summary>Goes on as far as possible without waiting.</summary>
    public void Advance()
    {
        if (IsDone)
            return;
        _run!.Deadline.Check();
        if (!IsSubmitted)
            Try(() => _submitted = _run.TryReserve() ? _run.SubmitAsync() : null);
        if (!IsDone && _submitted is { IsCompleted: true })
            Try(() => Finish(_submitted));
    }

    /// <summary>A task that ends when it can go on; to be followed by <see cref="EndWait" />.</summary>
    public Task BeginWait()
    {
        if (_submitted is not null)
            return _submitted;
        _waiting = new CancellationTokenSource();
        Try(() => _place = _run!.ReserveUntilAsync(_waiting.Token));
        return _place ?? Task.CompletedTask;
    }

    /// <summary>Takes the place in the queue if there was one, and leaves the line otherwise.</summary>
    public void EndWait()
    {
        if (_waiting is null)
            return;
        _waiting.Cancel();
        _waiting.Dispose();
        if (_place is { IsCompletedSuccessfully: true })
            Try(() => _submitted = _run!.SubmitAsync());
        _ = _place?.Exception; // seen; the next try meets it again
        (_waiting, _place) = (null, null);
    }

    /// <summary>The outcome, once it is done.</summary>
    /// <exception cref="Exception">An error that ends the batch.</exception>
    public InfillOutcome Outcome()
    {
        _failure?.Throw();
        return _outcome ?? throw new InvalidOperationException("The request is not done.");
    }

    public void Dispose() => _run?.Dispose();

    private void Finish(Task ended)
    {
        ended.GetAwaiter().GetResult();
        _outcome = new InfillOutcome(_request, _run!.GetResult(), null);
        _run.Dispose();
    }

    private void Try(Action step)
    {
        try
        {
            step();
        }
#pragma warning disable CA1031 // It is the outcome, or thrown in its place.
        catch (Exception error)
#pragma warning restore CA1031
        {
            Exception seen = _run!.Fail(error);
            if (IsOfRequest(seen))
                _outcome = new InfillOutcome(_request, null, seen);
            else
                _failure = ExceptionDispatchInfo.Capture(seen);
            _run.Dispose();
        }
    }
}
