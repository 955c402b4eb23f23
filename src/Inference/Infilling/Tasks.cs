namespace AsArm.Inference.Infilling;

/// <summary>Helpers for tasks.</summary>
internal static class Tasks
{
    /// <summary>Does something when a task ends, and observes its exception, so that one that nobody awaits any more is no unobserved one.</summary>
    public static void OnEnd(Task task, Action? action = null) => _ = task.ContinueWith(
        ended =>
        {
            _ = ended.Exception;
            action?.Invoke();
        },
        CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);

    /// <summary>Awaits a task that runs with a token linked to the caller's: the caller sees their own token in the exception.</summary>
    public static async Task<T> CancelledBy<T>(Task<T> task, CancellationToken cancellationToken)
    {
        try
        {
            return await task.ConfigureAwait(false);
        }
        catch (OperationCanceledException error) when (cancellationToken.IsCancellationRequested)
        {
            throw CancelledBy(error, cancellationToken);
        }
    }

    /// <summary>A cancellation as the caller sees it, with their own token.</summary>
    public static OperationCanceledException CancelledBy(OperationCanceledException error, CancellationToken cancellationToken) =>
        error.CancellationToken == cancellationToken ? error : new OperationCanceledException(error.Message, error, cancellationToken);
}
