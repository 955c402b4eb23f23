using AsArm.Assd.Models;
using AsArm.Inference.Devices;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.DeviceMemory;
using AsArm.Inference.Onnx.Sessions;

namespace AsArm.Inference.Onnx.Cached;

/// <summary>
/// A model on the graph model_cached.onnx: a forward pass encodes new tokens only and reads the others from a key/value cache. This is exact, as the
/// keys and values of a committed token never change; those of a rejected draft token are overwritten.
/// </summary>
/// <remarks>
/// A slot has 16 positions more than a multiple of 64, each of <see cref="ModelManifest.CacheBytesPerToken" />. Sequences that were evaluated and not
/// released have one each, up to a limit of memory. Sequences beyond it are encoded again in every pass, in scratch memory, which costs time only.
/// Scratch memory and buffers take up to 64 MiB together, or what a single sequence needs. When all sequences are released, at most 64 MiB of slots
/// are retained.
/// </remarks>
internal sealed class CachedOnnxModel : OnnxAnySubsetModel
{
    private readonly TensorsByShape<CachedShape> _tensors = new();
    private readonly CachedGraphFormat _format;
    private readonly IDeviceMemory? _memory;
    private readonly RunLimits _limits;
    private readonly IKeyValueCache _cache;
    private readonly IKeyValueCache _scratch; // for sequences without a slot
    private readonly CacheSlots _slots;
    private readonly RunPlanner _planner;
    private CachedBuffers _buffers;

    private CachedOnnxModel(
        OnnxGraph graph, ModelManifest manifest, string path, CachedGraphFormat format, IKeyValueCache cache, long maxCacheBytes, IDeviceMemory? memory)
        : base(graph, manifest, path)
    {
        long perToken = manifest.CacheBytesPerToken;
        _format = format;
        _memory = memory;
        _limits = memory is null ? RunLimits.Cpu : RunLimits.Gpu;
        _cache = cache;
        _scratch = CreateCache(manifest, memory);
        _slots = new CacheSlots(cache, SlotLength, maxCacheBytes / perToken, _tensors.Clear, MemoryBounds.RetainedBytes / perToken, _limits);
        _planner = new RunPlanner(manifest.Heads, format.ContentBytes, MemoryBounds.CachedTargetBytes(manifest), perToken, _limits);
        _buffers = new CachedBuffers(manifest, format, memory);
    }

    /// <summary>Opens the cached graph of a folder and checks its inputs and outputs.</summary>
    /// <param name="folder">A checked folder.</param>
    /// <param name="device">The device that runs it. With CUDA the cache is in its memory, for folders of format 3 on.</param>
    /// <param name="threads">Intra-op threads on a CPU; null leaves the choice to ONNX Runtime.</param>
    /// <param name="maxCacheBytes">Limit of the cache, in bytes; null for 2 GiB on a CPU, which is 55 sequences of 512 tokens at XLNet-base size, and 4 GiB on a GPU.</param>
    /// <param name="deviceOptions">How the device is set up; null for the defaults.</param>
    /// <exception cref="ModelFolderException">The graph is damaged or of another model, or the folder has no cached graph.</exception>
    /// <exception cref="DeviceNotAvailableException">The device is not available, or the folder has no graph for it.</exception>
    public static CachedOnnxModel Open(
        ModelFolder folder, Device device = default, int? threads = null, long? maxCacheBytes = null, DeviceOptions? deviceOptions = null)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentOutOfRangeException.ThrowIfNegative(maxCacheBytes ?? 0, nameof(maxCacheBytes));
        return Open(folder, new ExecutionSettings(device, threads, deviceOptions), maxCacheBytes);
    }

    /// <inheritdoc />
    public override int StateSize => Manifest.HasDraftHead ? Manifest.ModelDimension : 0;

    /// <inheritdoc />
    public override void Release(SequenceState sequence)
    {
        ArgumentNullException.ThrowIfNull(sequence);
        _slots.Release(sequence);
    }

    internal static CachedOnnxModel Open(ModelFolder folder, ExecutionSettings execution, long? maxCacheBytes = null)
    {
        ModelManifest manifest = folder.Manifest;
        IDeviceMemory? memory = manifest.UpdatesCacheInPlace ? DeviceMemories.Of(execution.Device) : null;
        long bytes = maxCacheBytes ?? (memory is null ? RunLimits.Cpu : RunLimits.Gpu).CacheBytes;
        return Open(folder, execution, bytes, CreateCache(manifest, memory), memory: memory);
    }

    /// <param name="folder">A checked folder.</param>
    /// <param name="execution">Device and numeric settings.</param>
    /// <param name="maxCacheBytes">Limit of the cache, in bytes.</param>
    /// <param name="cache">The cache.</param>
    /// <param name="format">How the graph is run; null for that of the folder.</param>
    /// <param name="memory">The memory of the device, where the cache is too; null for host memory.</param>
    internal static CachedOnnxModel Open(
        ModelFolder folder, ExecutionSettings execution, long maxCacheBytes, IKeyValueCache cache, CachedGraphFormat? format = null, IDeviceMemory? memory = null)
    {
        string path = folder.GraphPath(execution, useCache: true) ?? throw new ModelFolderException($"{folder.FullPath} has no graph with a cache: export it again.");
        format ??= CachedGraphFormat.Of(folder.Manifest);
        execution = execution with { CapturesGraphs = execution.CapturesGraphs && memory is not null };
        return new(OnnxGraph.Open(folder, path, format.Contract, execution), folder.Manifest, path, format, cache, maxCacheBytes, memory);
    }

    /// <summary>An empty cache in the memory of a device; null for host memory.</summary>
    internal static IKeyValueCache CreateCache(ModelManifest manifest, IDeviceMemory? memory) =>
        memory is null ? HostKeyValueCache.Create(manifest) : new DeviceKeyValueCache(manifest, memory);

    internal override long BufferBytes => _buffers.Bytes + (_scratch.Layout.Positions * Manifest.CacheBytesPerToken);

    private protected override void EvaluateCore(ReadOnlySpan<SequenceState> states, CancellationToken cancellationToken)
    {
        _slots.Prepare(states);
        int kept = _scratch.Layout.Length;
        int scratchLength = _slots.Length <= kept && kept < 2 * _slots.Length ? kept : _slots.Length; // so that the layout rarely changes
        _planner.Plan(states, _slots, _cache.Layout.Length, scratchLength, _cache.Layout.Slots);
        try
        {
            if (_planner.ScratchSlots > 0)
                EnsureScratch(new CacheLayout(_planner.ScratchSlots, scratchLength));
            foreach (CachedRun run in _planner.Runs)
                Execute(run, cancellationToken);
        }
        finally
        {
            _planner.Clear();
        }
    }

    private protected override long RetainedBytes => _limits.RetainedBytes;

    private protected override void ReleaseTensors() => _tensors.Clear();

    private protected override void ReleaseBuffers()
    {
        _buffers.Dispose();
        _buffers = new CachedBuffers(Manifest, _format, _memory);
        _scratch.Resize(default, 0);
    }

    private protected override void ReleaseMemory()
    {
        _buffers.Dispose();
        _scratch.Resize(default, 0);
        _cache.Resize(default, 0);
    }

    private int SlotLength(int longest) => _format.SlotLength(_limits.RoundLength(longest));

    private void EnsureScratch(CacheLayout layout)
    {
        if (layout.Slots <= _scratch.Layout.Slots && layout.Length == _scratch.Layout.Length)
            return;
        _tensors.Clear();
        _scratch.Resize(layout, 0);
    }

    private void Execute(CachedRun run, CancellationToken cancellationToken)
    {
        ReadOnlySpan<PlannedSequence> sequences = _planner.Sequences[run.From..run.To];
        BoundTensors tensors = TensorsOf(run.Shape);
        for (int slot = 0; run.Shape.IsScratch && slot < run.Shape.Batch; slot++)
            _scratch.Reset(slot);
        _buffers.Write(sequences, run);
        foreach (PlannedSequence sequence in sequences)
            sequence.Slot?.Forget(sequence.FirstRank);
        int pitch = 0; // query positions from one sequence to the next in the outputs; 0 if the run has failed
        try
        {
            Run(tensors, run.Shape, cancellationToken);
            pitch = Download(run, sequences);
            if (_limits.UsesBuckets && sequences.Length > 1)
                ReadOutputsOnThreads(run, pitch);
            else
            {
                for (int i = run.From; i < run.To; i++)
                    ReadOutputs(run, i, pitch);
            }
        }
        finally
        {
            for (int i = 0; i < sequences.Length; i++)
                Complete(sequences[i], run.Shape, run.BatchIndexOf(run.From + i, sequences[i].Slot), hasRun: pitch > 0);
            CompletePadding(run.Shape);
        }
    }

    /// <summary>Runs the graph, after a failed capture once more without.</summary>
    private void Run(BoundTensors tensors, CachedShape shape, CancellationToken cancellationToken)
    {
        try
        {
            Graph.Run(tensors, cancellationToken);
        }
        catch (GraphCaptureException error)
        {
            _tensors.Clear();
            Graph.ReopenWithoutCaptures(error.Message);
            Graph.Run(TensorsOf(shape), cancellationToken);
        }
    }

    private int Download(CachedRun run, ReadOnlySpan<PlannedSequence> sequences)
    {
        int batch = 0, targets = 0;
        for (int i = 0; i < sequences.Length; i++)
        {
            batch = Math.Max(batch, run.BatchIndexOf(run.From + i, sequences[i].Slot) + 1);
            targets = Math.Max(targets, sequences[i].Targets);
        }

        return _buffers.Download(run.Shape, batch, targets);
    }

    /// <summary>A GPU has the logits of 64 sequences in milliseconds, and one thread would take longer to copy them.</summary>
    private void ReadOutputsOnThreads(CachedRun run, int pitch) => Parallel.For(run.From, run.To, i => ReadOutputs(run, i, pitch));

    private void ReadOutputs(CachedRun run, int index, int pitch)
    {
        PlannedSequence sequence = _planner.Sequences[index];
        int first = run.BatchIndexOf(index, sequence.Slot) * pitch;
        Span<float> logits = sequence.State.Logits;
        _buffers.Logits.Slice(first * VocabularySize, logits.Length).CopyTo(logits);
        if (sequence.State.StateSize > 0)
            _buffers.States!.Read(first, sequence.State.States);
    }

    /// <summary>
    /// Records what is cached of a sequence now, nothing new if the run has failed. Keys and values that are not finite are
    /// not kept: they are of this sequence only, but would reach the next owner of the slot, as a masked position counts with weight 0 and 0 * NaN is NaN.
    /// </summary>
    /// <remarks>
    /// All ports are checked. Those of the last layer would not tell: a key that is infinite in one layer may have the score -infinity, so that even its
    /// own row does not see it and stays finite, and rounding to integers may turn NaN into a number. A cache on a device checks nothing, see
    /// <see cref="DeviceKeyValueCache" />.
    /// </remarks>
    private void Complete(PlannedSequence sequence, CachedShape shape, int batchIndex, bool hasRun)
    {
        IKeyValueCache cache = CacheOf(shape);
        int slot = shape.FirstSlot + batchIndex;
        if (hasRun)
            _format.Store(cache, slot, sequence.ContentPositions, batchIndex * shape.Content);

        bool isFinite = cache.EnsureFinite(slot, sequence.ContentPositions);
        if (hasRun && isFinite)
            sequence.Slot?.MarkCached(sequence.FirstRank);
    }

    /// <summary>The spare position of each slot, which padding rows have written, must be finite too.</summary>
    private void CompletePadding(CachedShape shape)
    {
        for (int slot = shape.FirstSlot; slot < shape.FirstSlot + shape.Batch; slot++)
            CacheOf(shape).EnsureFinite(slot, [shape.SparePosition]);
    }

    private IKeyValueCache CacheOf(CachedShape shape) => shape.IsScratch ? _scratch : _cache;

    private BoundTensors TensorsOf(CachedShape shape)
    {
        if (!_buffers.CanFit(shape))
        {
            _tensors.Clear();
            CachedBuffers former = _buffers;
            _buffers = former.WithCapacityFor(shape);
            former.Dispose();
        }

        return _tensors.Find(shape) ?? _tensors.Add(shape, _buffers.Bind(Graph, shape, CacheOf(shape)));
    }
}
