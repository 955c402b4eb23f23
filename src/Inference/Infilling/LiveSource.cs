using System.Runtime.ExceptionServices;

namespace AsArm.Inference.Infilling;

/// <summary>
/// Takes items from an asynchronous source while other work goes on: an item that is not there yet is waited for only when asked. An error
/// of the source is kept for the end.
/// </summary>
internal sealed class LiveSource<T> : IDisposable
    where T : class
{
    private readonly CancellationTokenSource _stop;
    private readonly IAsyncEnumerator<T> _items;
    private Task<bool>? _next;
    private ExceptionDispatchInfo? _failure;

    public LiveSource(IAsyncEnumerable<T> items, CancellationToken cancellationToken)
    {
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _items = items.GetAsyncEnumerator(_stop.Token);
    }

    /// <summary>The source has no more, or failed.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>The next item, or null where there is none, or none yet.</summary>
    /// <param name="wait">Waits for one that is not there yet.</param>
    /// <exception cref="OperationCanceledException">Cancelled while it waited, whether or not the source heeds it.</exception>
    public async ValueTask<T?> TryTakeAsync(bool wait)
    {
        if (HasEnded)
            return null;
        _next ??= MoveNextAsync();
        if (!_next.IsCompleted && !wait)
            return null;
        HasEnded = !await _next.WaitAsync(_stop.Token).ConfigureAwait(false);
        _next = null;
        return HasEnded ? null : _items.Current;
    }

    /// <summary>Throws what the source threw.</summary>
    public void ThrowIfFailed() => _failure?.Throw();

    /// <summary>Stops the source; one that does not heed it is disposed of when its item comes.</summary>
    public void Dispose()
    {
        _stop.Cancel();
        _ = EndAsync();
    }

    private async Task EndAsync()
    {
        if (_next is not null)
            await _next.ConfigureAwait(false); // an enumerator must not be disposed of while it moves
        await _items.DisposeAsync().ConfigureAwait(false);
        _stop.Dispose();
    }

    /// <summary>Never throws, so that nothing is lost with a task that nobody awaits.</summary>
    private async Task<bool> MoveNextAsync()
    {
        try
        {
            return await _items.MoveNextAsync().ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Thrown again by ThrowIfFailed.
        catch (Exception error)
#pragma warning restore CA1031
        {
            _failure = ExceptionDispatchInfo.Capture(error);
            return false;
        }
    }
}
