using AsArm.Inference.Infilling;

namespace AsArm.Server.Models;

/// <summary>An open model and the number of requests that use it. A retired one is closed when the last of them ends.</summary>
/// <param name="name">Its name in requests.</param>
/// <param name="infiller">The model.</param>
/// <param name="bytes">Size of its files.</param>
/// <param name="stamp">What its folder looked like.</param>
internal sealed class OpenedModel(string name, TextInfiller infiller, long bytes, string stamp)
{
    private readonly Lock _lock = new();
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _users;
    private bool _isRetired;

    public string Name => name;

    public TextInfiller Infiller => infiller;

    public long Bytes => bytes;

    public string Stamp => stamp;

    /// <summary>Ends when it is closed.</summary>
    public Task Closed => _closed.Task;

    /// <summary>Time stamp of the last use.</summary>
    public long LastUsed { get; private set; } = TimeProvider.System.GetTimestamp();

    /// <summary>The number of requests that use it.</summary>
    public int Users
    {
        get
        {
            lock (_lock)
                return _users;
        }
    }

    /// <summary>Whether it is retired and nobody uses it any more, so that it is closed soon.</summary>
    public bool IsClosing
    {
        get
        {
            lock (_lock)
                return _isRetired && _users == 0;
        }
    }

    /// <summary>A lease; null if it is retired.</summary>
    public ModelLease? TryRent()
    {
        lock (_lock)
        {
            if (_isRetired)
                return null;
            _users++;
            LastUsed = TimeProvider.System.GetTimestamp();
            return new ModelLease(this);
        }
    }

    /// <summary>Ends the use of a request.</summary>
    public void Return()
    {
        lock (_lock)
        {
            _users--;
            LastUsed = TimeProvider.System.GetTimestamp();
            if (_users > 0 || !_isRetired)
                return;
        }

        Close();
    }

    /// <summary>Accepts no more requests, unless one uses it.</summary>
    /// <returns>Whether it is retired now.</returns>
    public bool TryRetire()
    {
        lock (_lock)
        {
            if (_isRetired || _users > 0)
                return _isRetired;
            _isRetired = true;
        }

        Close();
        return true;
    }

    /// <summary>Accepts no more requests.</summary>
    public void Retire()
    {
        lock (_lock)
        {
            if (_isRetired)
                return;
            _isRetired = true;
            if (_users > 0)
                return;
        }

        Close();
    }

    private void Close() => _ = Task.Run(() =>
    {
        try
        {
            infiller.Dispose();
        }
        finally
        {
            _closed.TrySetResult();
        }
    });
}
