using System.Diagnostics;
using AsArm.Assd.Samplers;

namespace AsArm.Inference.Scheduling;

/// <summary>A request in the scheduler. <see cref="WorkQueue" /> guards what can be set, unless it is the scheduler's thread alone that uses it.</summary>
/// <param name="job">What it needs of the model.</param>
/// <param name="submitted">When the caller submitted it, as a timestamp of <see cref="Stopwatch" />.</param>
internal sealed class ScheduledRequest(ISequenceJob job, long submitted)
{
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CancellationTokenRegistration _cancellation;

    public ISequenceJob Job { get; } = job;

    /// <summary>Completed with the last sequence of the job, or with the error or cancellation that ended it.</summary>
    public Task Task => _completion.Task;

    /// <summary>Whether the task is complete, so that nobody needs the rest of the work.</summary>
    public bool HasEnded => Task.IsCompleted;

    /// <summary>Time since the submission.</summary>
    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(submitted);

    /// <summary>Time from the submission to the first forward pass.</summary>
    public TimeSpan QueueTime { get; set; }

    /// <summary>Whether it has been in a forward pass. Used by the thread of the scheduler alone.</summary>
    public bool HasStarted { get; set; }

    /// <summary>Its place in the queue; null when it has left it.</summary>
    public LinkedListNode<ScheduledRequest>? Place { get; set; }

    /// <summary>Whether it is in the batch, and somebody waits for it.</summary>
    public bool IsActive { get; set; }

    /// <summary>The samplers of the sequences that are in the batch, with their indices in the step of the job. Used by the thread of the scheduler alone.</summary>
    public List<(Sampler Sampler, int Index)> Sequences { get; } = [];

    /// <summary>Number of sequences of the step that have been in the batch. Used by the thread of the scheduler alone.</summary>
    public int Started { get; set; }

    /// <summary>Number of sequences of the step that are not done.</summary>
    public int Unfinished => Job.SequenceCount - Started + Sequences.Count;

    /// <summary>Calls <paramref name="onCancelled" /> when the caller cancels, until the request has ended.</summary>
    public void Watch(Action<ScheduledRequest, CancellationToken> onCancelled, CancellationToken cancellationToken)
    {
        _cancellation = cancellationToken.UnsafeRegister((request, token) => onCancelled((ScheduledRequest)request!, token), this);
        if (HasEnded)
            _cancellation.Unregister(); // it was cancelled before
    }

    public void Complete() => End(completion => completion.TrySetResult());

    public void Cancel(CancellationToken cancellationToken) => End(completion => completion.TrySetCanceled(cancellationToken));

    public void Fail(Exception error) => End(completion => completion.TrySetException(error));

    private void End(Action<TaskCompletionSource> complete)
    {
        complete(_completion);
        _cancellation.Unregister();
    }
}
