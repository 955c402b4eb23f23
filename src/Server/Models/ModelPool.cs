using System.Collections.Concurrent;
using AsArm.Assd;
using AsArm.Server.Configuration;
using AsArm.Server.Fields;
using AsArm.Server.Telemetry;

namespace AsArm.Server.Models;

/// <summary>
/// The models by name. They are opened when a request needs them; idle ones are closed where others need their memory. An opening belongs to the pool, not to
/// the request that began it: a client that gives up ends its own wait only.
/// </summary>
internal sealed class ModelPool : IAsyncDisposable
{
    private readonly Dictionary<string, Entry> _entries;
    private readonly ConcurrentDictionary<OpenedModel, Entry> _open = []; // those that are not closed, retired ones included
    private readonly SemaphoreSlim _gate = new(1, 1); // held by what opens, closes or replaces a model
    private readonly CancellationTokenSource _stopping = new();
    private readonly ServerOptions _options;
    private readonly ILogger<ModelPool> _log;
    private readonly Func<string, string, CancellationToken, Task<OpenedModel>> _opener;
    private volatile bool _wasReady;

    public ModelPool(ServerOptions options, ILogger<ModelPool> log)
        : this(options, log, new ModelOpener(options).OpenAsync)
    {
    }

    /// <param name="options">The settings.</param>
    /// <param name="log">Where models that are opened and closed are told of.</param>
    /// <param name="open">Opens a model: its name and its folder.</param>
    internal ModelPool(ServerOptions options, ILogger<ModelPool> log, Func<string, string, CancellationToken, Task<OpenedModel>> open)
    {
        (_options, _log, _opener) = (options, log, open);
        _entries = options.Models.ToDictionary(model => model.Key, model => new Entry(model.Key, Path.GetFullPath(model.Value)), StringComparer.Ordinal);
        if (Budget is not long budget)
            return;
        foreach (Entry entry in _entries.Values)
        {
            if (FolderStamp.BytesOf(entry.Folder) > budget)
                throw new ServerConfigurationException($"MemoryBudgetMb is {options.MemoryBudgetMb}, less than the files of the model '{entry.Name}' take.");
        }
    }

    /// <summary>The names, in their order.</summary>
    public IEnumerable<string> Names => _entries.Keys;

    /// <summary>Whether the model of requests that name none has been open, and the server is not stopping. It may have been closed for others since.</summary>
    public bool IsReady => _wasReady && !_stopping.IsCancellationRequested;

    private long? Budget => _options.MemoryBudgetMb is int megabytes ? (long)megabytes << 20 : null;

    /// <summary>The time at which the files of a model were changed last.</summary>
    public DateTime CreatedAt(string name) => Directory.GetLastWriteTimeUtc(_entries[name].Folder);

    /// <summary>Whether a model is open.</summary>
    public bool IsOpen(string name) => _entries[name].Current is not null;

    /// <summary>The number of requests that use a model.</summary>
    public int UsersOf(string name) => _entries[name].Current?.Users ?? 0;

    /// <summary>A model for a request, which is measured as one of the model from now on.</summary>
    /// <param name="context">The request.</param>
    /// <param name="name">The model's name; null or empty for the default one.</param>
    /// <exception cref="RequestException">There is no such model, or no memory for it.</exception>
    public async Task<ModelLease> RentAsync(HttpContext context, string? name)
    {
        ModelLease lease = await RentAsync(name, context.RequestAborted);
        RequestMeasurement.Find(context)?.UseModel(lease.Name);
        return lease;
    }

    /// <summary>A model.</summary>
    /// <param name="name">Its name; null or empty for the default one.</param>
    /// <param name="cancellationToken">Cancels the wait for it.</param>
    /// <exception cref="RequestException">There is no such model, or no memory for it.</exception>
    public async Task<ModelLease> RentAsync(string? name, CancellationToken cancellationToken)
    {
        if (!_entries.TryGetValue(string.IsNullOrEmpty(name) ? _options.DefaultName : name, out Entry? entry))
            throw new RequestException(StatusCodes.Status404NotFound, $"There is no model \"{FieldList.Shown(name!)}\": use {string.Join(", ", Names)}.", "model", "model_not_found");
        entry.BeginWait();
        try
        {
            while (true)
            {
                if (entry.Current?.TryRent() is ModelLease lease)
                    return lease;
                await entry.Opening(() => OpenAsync(entry)).WaitAsync(cancellationToken);
            }
        }
        finally
        {
            entry.EndWait();
        }
    }

    /// <summary>Opens a model anew if its folder has changed; requests that use the old one end with it. A folder that cannot be opened is left alone until it changes.</summary>
    /// <returns>Whether it has changed.</returns>
    public async Task<bool> ReloadAsync(string name, CancellationToken cancellationToken)
    {
        Entry entry = _entries[name];
        string stamp = FolderStamp.Of(entry.Folder);
        if (entry.Current is not OpenedModel old || stamp == old.Stamp || stamp == entry.DamagedStamp)
            return false;
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (!ReferenceEquals(entry.Current, old))
                return false; // closed for others meanwhile, and opened anew perhaps
            await MakeRoomAsync(FolderStamp.BytesOf(entry.Folder), except: entry);
            await ReplaceAsync(entry, cancellationToken);
            old.Retire();
            return true;
        }
        catch (Exception error) when (error is AsArmException or IOException or UnauthorizedAccessException)
        {
            entry.DamagedStamp = stamp;
            throw;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Ends openings, and closes all models.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _gate.WaitAsync(); // for good: nothing is opened any more
        foreach (Entry entry in _entries.Values)
        {
            entry.Current?.Retire();
            entry.Current = null;
        }

        await Task.WhenAny(Task.WhenAll(_open.Keys.Select(opened => opened.Closed)), Task.Delay(TimeSpan.FromSeconds(5)));
        _gate.Dispose();
        _stopping.Dispose();
    }

    private async Task OpenAsync(Entry entry)
    {
        await _gate.WaitAsync(_stopping.Token);
        try
        {
            if (entry.Current is not null)
                return;
            await MakeRoomAsync(FolderStamp.BytesOf(entry.Folder), except: entry);
            await ReplaceAsync(entry, _stopping.Token);
            _wasReady |= entry.Name == _options.DefaultName;
        }
        catch (Exception error) when (error is AsArmException or IOException or UnauthorizedAccessException)
        {
            ServerLog.NotOpened(_log, entry.Name, error.Message);
            throw new RequestException(StatusCodes.Status503ServiceUnavailable, $"The model \"{entry.Name}\" cannot be opened.", "model", "model_not_available", error) { RetryAfter = 30 };
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task ReplaceAsync(Entry entry, CancellationToken cancellationToken)
    {
        OpenedModel opened = await _opener(entry.Name, entry.Folder, cancellationToken);
        _open[opened] = entry;
        _ = opened.Closed.ContinueWith(_ => _open.TryRemove(opened, out Entry? _), TaskScheduler.Default);
        entry.Current = opened;
        ServerLog.Opened(_log, entry.Name, opened.Infiller.Model.Device.ToString());
    }

    /// <summary>Closes idle models, the least recently used first, until there is memory for another.</summary>
    private async Task MakeRoomAsync(long bytes, Entry except)
    {
        if (Budget is not long budget)
            return;
        while (_open.Keys.Sum(opened => opened.Bytes) + bytes > budget)
        {
            OpenedModel[] closing = [.. _open.Keys.Where(opened => opened.IsClosing)];
            if (closing.Length > 0)
            {
                await Task.WhenAll(closing.Select(opened => opened.Closed));
                closing.ToList().ForEach(opened => _open.TryRemove(opened, out _));
                continue;
            }

            Entry? idle = _entries.Values.Where(entry => entry != except && entry.IsIdle).MinBy(entry => entry.Current!.LastUsed);
            if (idle?.Current is not OpenedModel oldest)
                throw new RequestException(StatusCodes.Status503ServiceUnavailable, "There is no memory for another model while the open ones are in use.", "model", "no_memory") { RetryAfter = 5 };
            if (!oldest.TryRetire())
                continue; // a request was faster
            idle.Current = null;
            ServerLog.Closed(_log, idle.Name);
        }
    }

    private sealed class Entry(string name, string folder)
    {
        private readonly Lock _lock = new();
        private volatile OpenedModel? _current;
        private Task? _opening;
        private int _waiting;

        public string Name => name;

        public string Folder => folder;

        /// <summary>What the folder looked like when it could not be opened anew.</summary>
        public string? DamagedStamp { get; set; }

        public OpenedModel? Current
        {
            get => _current;
            set => _current = value;
        }

        /// <summary>Whether it is open, and nobody uses it or is about to.</summary>
        public bool IsIdle => Volatile.Read(ref _waiting) == 0 && Current?.Users == 0;

        public void BeginWait() => Interlocked.Increment(ref _waiting);

        public void EndWait() => Interlocked.Decrement(ref _waiting);

        /// <summary>The opening that is going on, else a new one.</summary>
        public Task Opening(Func<Task> start)
        {
            lock (_lock)
                return _opening is { IsCompleted: false } ? _opening : _opening = start();
        }
    }
}
