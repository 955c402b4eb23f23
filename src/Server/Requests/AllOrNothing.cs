namespace AsArm.Server.Requests;

/// <summary>Work of one request that is done at the same time. When a part of it fails, the others are cancelled.</summary>
internal static class AllOrNothing
{
    /// <summary>The results of all.</summary>
    /// <param name="start">Starts them.</param>
    /// <param name="cancellationToken">Cancels them.</param>
    /// <returns>A task that ends when the last of them has ended, and fails with what has failed first.</returns>
    public static async Task<T[]> RunAsync<T>(Func<CancellationToken, IEnumerable<Task<T>>> start, CancellationToken cancellationToken)
    {
        Task<T>[] tasks = [];
        await WaitAsync(token => tasks = [.. start(token)], cancellationToken);
        return await Task.WhenAll(tasks);
    }

    /// <summary>Waits for all.</summary>
    /// <inheritdoc cref="RunAsync{T}" />
    public static async Task WaitAsync(Func<CancellationToken, IEnumerable<Task>> start, CancellationToken cancellationToken)
    {
        using var source = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task[] tasks = [.. start(source.Token)];
        try
        {
            await foreach (Task task in Task.WhenEach(tasks))
                await task;
        }
        finally
        {
            await source.CancelAsync();
            await Task.WhenAll(tasks).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
