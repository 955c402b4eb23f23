using AsArm.Assd;
using AsArm.Inference.Devices;
using AsArm.Inference.Infilling;
using AsArm.Inference.Scheduling;
using AsArm.Server.Configuration;
using AsArm.Server.Fields;

namespace AsArm.Server.Models;

/// <summary>The models by name. They are opened when a request needs them; idle ones are closed where others need their memory.</summary>
internal sealed class ModelPool : IAsyncDisposable
{
    private readonly Dictionary<string, Entry> _entries;
    private readonly SemaphoreSlim _opening = new(1, 1); // one model at a time, so that the budget holds
    private readonly ServerOptions _options;
    private readonly ILogger<ModelPool> _log;

    public ModelPool(ServerOptions options, ILogger<ModelPool> log)
    {
        (_options, _log) = (options, log);
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

    /// <summary>Whether the model of requests that name none is open.</summary>
    public bool IsReady => _entries[_options.DefaultName].Current is not null;

    private long? Budget => _options.MemoryBudgetMb is int megabytes ? (long)megabytes << 20 : null;

    /// <summary>The time at which the files of a model were changed last.</summary>
    public DateTime CreatedAt(string name) => Directory.GetLastWriteTimeUtc(_entries[name].Folder);

    /// <summary>Whether a model is open.</summary>
    public bool IsOpen(string name) => _entries[name].Current is not null;

    /// <summary>The number of requests that use a model.</summary>
    public int UsersOf(string name) => _entries[name].Current?.Users ?? 0;

    /// <summary>A model for a request.</summary>
    /// <param name="name">Its name; null for the default one.</param>
    /// <param name="cancellationToken">Cancels it, and an opening that it waits for.</param>
    /// <exception cref="RequestException">There is no such model, or no memory for it.</exception>
    public async Task<ModelLease> RentAsync(string? name, CancellationToken cancellationToken)
    {
        if (!_entries.TryGetValue(name ?? _options.DefaultName, out Entry? entry))
            throw new RequestException(StatusCodes.Status404NotFound, $"There is no model \"{FieldList.Shown(name!)}\": use {string.Join(", ", Names)}.", "model", "model_not_found");
        while (true)
        {
            if (entry.Current?.TryRent() is ModelLease lease)
                return lease;
            await OpenAsync(entry, cancellationToken);
        }
    }

    /// <summary>Opens a model anew if its folder has changed; requests that use the old one end with it.</summary>
    /// <returns>Whether it has changed.</returns>
    public async Task<bool> ReloadAsync(string name, CancellationToken cancellationToken)
    {
        Entry entry = _entries[name];
        if (entry.Current is not OpenedModel old || FolderStamp.Of(entry.Folder) == old.Stamp)
            return false;
        await _opening.WaitAsync(cancellationToken);
        try
        {
            entry.Current = await OpenFolderAsync(entry, cancellationToken);
            old.Retire();
            return true;
        }
        finally
        {
            _opening.Release();
        }
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        foreach (Entry entry in _entries.Values)
        {
            if (entry.Current is OpenedModel opened)
            {
                entry.Current = null;
                opened.Retire();
                await Task.WhenAny(opened.Closed, Task.Delay(TimeSpan.FromSeconds(5)));
            }
        }

        _opening.Dispose();
    }

    private async Task OpenAsync(Entry entry, CancellationToken cancellationToken)
    {
        await _opening.WaitAsync(cancellationToken);
        try
        {
            if (entry.Current is not null)
                return;
            await MakeRoomAsync(FolderStamp.BytesOf(entry.Folder));
            entry.Current = await OpenFolderAsync(entry, cancellationToken);
        }
        catch (Exception error) when (error is AsArmException or IOException or UnauthorizedAccessException)
        {
            ServerLog.NotOpened(_log, entry.Name, error.Message);
            throw new RequestException(StatusCodes.Status503ServiceUnavailable, $"The model \"{entry.Name}\" cannot be opened.", "model", "model_not_available", error) { RetryAfter = 30 };
        }
        finally
        {
            _opening.Release();
        }
    }

    private async Task MakeRoomAsync(long bytes)
    {
        if (Budget is not long budget)
            return;
        while (_entries.Values.Sum(entry => entry.Current?.Bytes ?? 0) + bytes > budget)
        {
            Entry? idle = _entries.Values.Where(entry => entry.Current?.Users == 0).MinBy(entry => entry.Current!.LastUsed);
            if (idle?.Current is not OpenedModel opened)
                throw new RequestException(StatusCodes.Status503ServiceUnavailable, "There is no memory for another model while the open ones are in use.", "model", "no_memory") { RetryAfter = 5 };
            idle.Current = null;
            opened.Retire();
            await opened.Closed;
            ServerLog.Closed(_log, idle.Name);
        }
    }

    private async Task<OpenedModel> OpenFolderAsync(Entry entry, CancellationToken cancellationToken)
    {
        string stamp = FolderStamp.Of(entry.Folder);
        var options = new TextInfillerOptions
        {
            Device = Device.Parse(_options.Device),
            Threads = _options.Threads,
            UseFloat32 = _options.Float32,
            DraftMode = _options.DraftMode,
            MaxQueuedRequests = _options.MaxQueuedRequests,
            QueueFullMode = QueueFullMode.Reject,
        };
        TextInfiller infiller = await TextInfiller.OpenAsync(entry.Folder, options, cancellationToken);
        try
        {
            await infiller.WarmUpAsync(cancellationToken);
        }
        catch
        {
            await infiller.DisposeAsync();
            throw;
        }

        ServerLog.Opened(_log, entry.Name, infiller.Model.Device.ToString());
        return new OpenedModel(entry.Name, infiller, FolderStamp.BytesOf(entry.Folder), stamp);
    }

    private sealed class Entry(string name, string folder)
    {
        private volatile OpenedModel? _current;

        public string Name => name;

        public string Folder => folder;

        public OpenedModel? Current
        {
            get => _current;
            set => _current = value;
        }
    }
}
