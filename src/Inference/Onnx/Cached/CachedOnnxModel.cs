using System.Numerics.Tensors;
using AsArm.Assd.Models;
using AsArm.Inference.Devices;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Sessions;

namespace AsArm.Inference.Onnx.Cached;

/// <summary>
/// The graph model_cached.onnx: a call computes what is new and reads the rest from a key/value cache. Exact, as the keys and values of
/// a known token never change; a token that was drafted and rejected is overwritten in place.
/// </summary>
/// <remarks>
/// The cache takes 2 * layers * width * 4 bytes per token of a sequence, whose length counts in steps of 64, for all sequences that
/// were evaluated and not released, up to a limit; what finds no room is encoded anew in every call, at the cost of the time only. When all are
/// released, no more than 64 MiB of it stay.
/// </remarks>
public sealed class CachedOnnxModel : OnnxAnySubsetModel
{
    /// <summary>The cache's limit unless another is asked for: 2 GiB, 56 sequences of 512 tokens at XLNet-base size.</summary>
    public const long DefaultCacheBytes = 1L << 31;

    private readonly TensorsByShape<CachedShape> _tensors = new();
    private readonly IKeyValueCache _cache;
    private readonly CacheSlots _slots;
    private readonly RunPlanner _planner;
    private CachedBuffers _buffers;

    internal CachedOnnxModel(OnnxGraph graph, ModelManifest manifest, string path, IKeyValueCache cache, long maxCacheBytes)
        : base(graph, manifest, path)
    {
        _cache = cache;
        _slots = new CacheSlots(cache, manifest.MaxLength, maxCacheBytes / manifest.CacheBytesPerToken, _tensors.Clear, MemoryBounds.RetainedBytes / manifest.CacheBytesPerToken);
        _planner = new RunPlanner(manifest.Heads, MemoryBounds.ContentBytes(manifest), MemoryBounds.TargetBytes(manifest));
        _buffers = new CachedBuffers(manifest);
    }

    /// <summary>Opens the graph with the cache of a folder and checks its contract.</summary>
    /// <param name="folder">A checked folder.</param>
    /// <param name="device">Where it runs; the cache is in the memory of the process.</param>
    /// <param name="threads">Threads of a CPU run; null leaves the choice to ONNX Runtime.</param>
    /// <param name="maxCacheBytes">Most memory of the cache.</param>
    /// <param name="allowTf32">Lets a GPU round the factors of float32 products to TF32: faster, logits are then off by up to 6e-3.</param>
    /// <exception cref="ModelFolderException">No such model, or the folder has no graph with a cache.</exception>
    /// <exception cref="DeviceNotAvailableException">No such device.</exception>
    public static CachedOnnxModel Open(
        ModelFolder folder, Device device = Device.Cpu, int? threads = null, long maxCacheBytes = DefaultCacheBytes, bool allowTf32 = false)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentOutOfRangeException.ThrowIfNegative(maxCacheBytes);
        return Open(folder, new ExecutionSettings(device, threads, allowTf32), maxCacheBytes);
    }

    /// <inheritdoc />
    public override void Release(SequenceState sequence)
    {
        ArgumentNullException.ThrowIfNull(sequence);
        _slots.Release(sequence);
    }

    internal static CachedOnnxModel Open(ModelFolder folder, ExecutionSettings execution, long maxCacheBytes = DefaultCacheBytes)
    {
        ModelManifest manifest = folder.Manifest;
        return Open(folder, execution, maxCacheBytes, new HostKeyValueCache(2 * manifest.Layers, manifest.Heads, manifest.HeadSize));
    }

    internal static CachedOnnxModel Open(ModelFolder folder, ExecutionSettings execution, long maxCacheBytes, IKeyValueCache cache)
    {
        string path = folder.GraphPath(execution, useCache: true) ?? throw new ModelFolderException($"{folder.FullPath} has no graph with a cache: export it again.");
        return new(OnnxGraph.Open(folder, path, GraphContract.Cached(folder.Manifest), execution), folder.Manifest, path, cache, maxCacheBytes);
    }

    internal override long BufferBytes => _buffers.Bytes;

    private protected override void Answer(ReadOnlySpan<SequenceState> states, CancellationToken cancellationToken)
    {
        _slots.Prepare(states);
        _planner.Plan(states, _slots, _cache.Layout.Length);
        try
        {
            foreach (CachedRun run in _planner.Runs)
                Execute(run, cancellationToken);
        }
        finally
        {
            _planner.Clear();
        }
    }

    private protected override void ReleaseTensors() => _tensors.Clear();

    private protected override void ReleaseBuffers() => _buffers = new CachedBuffers(Manifest);

    private void Execute(CachedRun run, CancellationToken cancellationToken)
    {
        CachedShape shape = run.Shape;
        BoundTensors tensors = TensorsOf(shape);
        ReadOnlySpan<CachedRow> rows = _planner.Rows[run.From..run.To];
        _buffers.Write(rows, run);
        Graph.Run(tensors, cancellationToken);
        for (int i = 0; i < rows.Length; i++)
        {
            int place = run.PlaceOf(run.From + i, rows[i].Slot);
            SequenceState state = rows[i].State;
            _buffers.Logits.AsSpan(place * shape.Targets * VocabularySize, state.Logits.Length).CopyTo(state.Logits);
            if (rows[i].Slot is CacheSlot slot)
                Keep(rows[i], slot, place * shape.Content * Manifest.ModelDimension);
        }
    }

    /// <summary>Writes the new rows of one sequence into the cache.</summary>
    private void Keep(CachedRow row, CacheSlot slot, int start)
    {
        int count = row.Content * Manifest.ModelDimension;
        foreach (float[] present in _buffers.Present)
        {
            if (!TensorPrimitives.IsFiniteAll<float>(present.AsSpan(start, count)))
                return; // not to be kept: the logits tell of it, and the slot's next owner must not inherit it
        }

        ReadOnlySpan<int> positions = row.State.Order.Positions.Slice(row.First, row.Content);
        for (int port = 0; port < _buffers.Present.Length; port++)
            _cache.Write(port, slot.Index, positions, _buffers.Present[port].AsSpan(start, count));
        slot.MarkCached(row.First);
    }

    private BoundTensors TensorsOf(CachedShape shape)
    {
        if (!_buffers.CanHold(shape))
        {
            _tensors.Clear();
            _buffers = _buffers.WithCapacityFor(shape);
        }

        return _tensors.Find(shape) ?? _tensors.Add(shape, _buffers.Bind(Graph, shape, _cache));
    }
}
