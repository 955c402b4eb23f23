using System.Numerics.Tensors;
using AsArm.Assd.Models;
using AsArm.Inference.Devices;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Sessions;

namespace AsArm.Inference.Onnx.Cached;

/// <summary>
/// A model on the graph model_cached.onnx: a forward pass encodes new tokens only and reads the others from a key/value cache. This is exact, as the
/// keys and values of a committed token never change; those of a rejected draft token are overwritten.
/// </summary>
/// <remarks>
/// The cache uses 2 * layers * width * 4 bytes per token, with lengths rounded up to a multiple of 64, for all sequences that were
/// evaluated and not released, up to a limit. Sequences beyond it are encoded again in every pass, which costs time only. When all are
/// released, at most 64 MiB are retained.
/// </remarks>
internal sealed class CachedOnnxModel : OnnxAnySubsetModel
{
    /// <summary>The default limit of the cache: 2 GiB, which is 56 sequences of 512 tokens at XLNet-base size.</summary>
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

    /// <summary>Opens the cached graph of a folder and checks its inputs and outputs.</summary>
    /// <param name="folder">A checked folder.</param>
    /// <param name="device">The device that runs it; the cache is in host memory.</param>
    /// <param name="threads">Intra-op threads on a CPU; null leaves the choice to ONNX Runtime.</param>
    /// <param name="maxCacheBytes">Limit of the cache, in bytes.</param>
    /// <param name="allowTf32">Lets a GPU use TF32 for float32 matrix products: faster, but logits differ by up to 6e-3.</param>
    /// <exception cref="ModelFolderException">The graph is damaged or of another model, or the folder has no cached graph.</exception>
    /// <exception cref="DeviceNotAvailableException">The device is not available, or the folder has no graph for it.</exception>
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

    private protected override void EvaluateCore(ReadOnlySpan<SequenceState> states, CancellationToken cancellationToken)
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
        ReadOnlySpan<PlannedSequence> sequences = _planner.Sequences[run.From..run.To];
        _buffers.Write(sequences, run);
        Graph.Run(tensors, cancellationToken);
        for (int i = 0; i < sequences.Length; i++)
        {
            int batchIndex = run.BatchIndexOf(run.From + i, sequences[i].Slot);
            SequenceState state = sequences[i].State;
            _buffers.Logits.AsSpan(batchIndex * shape.Targets * VocabularySize, state.Logits.Length).CopyTo(state.Logits);
            if (sequences[i].Slot is CacheSlot slot)
                WriteToCache(sequences[i], slot, batchIndex * shape.Content * Manifest.ModelDimension);
        }
    }

    /// <summary>Writes the new keys and values of one sequence into the cache, over those of draft tokens that were rejected.</summary>
    private void WriteToCache(PlannedSequence sequence, CacheSlot slot, int start)
    {
        int count = sequence.Content * Manifest.ModelDimension;
        foreach (float[] present in _buffers.Present)
        {
            if (!TensorPrimitives.IsFiniteAll<float>(present.AsSpan(start, count)))
                return; // the logits are NaN too, which is reported; the next owner of the slot must not see it
        }

        ReadOnlySpan<int> positions = sequence.State.Order.Positions.Slice(sequence.FirstRank, sequence.Content);
        for (int port = 0; port < _buffers.Present.Length; port++)
            _cache.Write(port, slot.Index, positions, _buffers.Present[port].AsSpan(start, count));
        slot.MarkCached(sequence.FirstRank);
    }

    private BoundTensors TensorsOf(CachedShape shape)
    {
        if (!_buffers.CanFit(shape))
        {
            _tensors.Clear();
            _buffers = _buffers.WithCapacityFor(shape);
        }

        return _tensors.Find(shape) ?? _tensors.Add(shape, _buffers.Bind(Graph, shape, _cache));
    }
}
