using System.Runtime.ExceptionServices;

namespace AsArm.Inference.Infilling;

/// <summary>
/// Reads an asynchronous source without blocking other work: an item that has not arrived is awaited only on request. An exception of the source
/// ends it and is kept for <see cref="ThrowIfFailed" />.
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

    /// <summary>Whether the source has ended or failed.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>Returns the next item; null if the source has ended, or if no item has arrived.</summary>
    /// <param name="wait">Whether to wait for an item.</param>
    /// <exception cref="OperationCanceledException">Cancelled while waiting, even if the source ignores the token.</exception>
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

    /// <summary>Throws the exception of the source, if any.</summary>
    public void ThrowIfFailed() => _failure?.Throw();

    /// <summary>Cancels the source. One that ignores cancellation is disposed when its pending item arrives.</summary>
    public void Dispose()
    {
        _stop.Cancel();
        _ = EndAsync();
    }

    private async Task EndAsync()
    {
        if (_next is not null)
            await _next.ConfigureAwait(false); // an enumerator must not be disposed during MoveNextAsync
        await _items.DisposeAsync().ConfigureAwait(false);
        _stop.Dispose();
    }

    /// <summary>Never throws, so that no exception is lost in a task that is not awaited.</summary>
    private async Task<bool> MoveNextAsync()
    {
        try
        {
            return await _items.MoveNextAsync().ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Rethrown by ThrowIfFailed.
        catch (Exception error)
#pragma warning restore CA1031
        {
            _failure = ExceptionDispatchInfo.Capture(error);
            return false;
        }
    }
}
