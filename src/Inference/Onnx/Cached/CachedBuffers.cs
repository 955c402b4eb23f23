using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.DeviceMemory;
using AsArm.Inference.Onnx.Sessions;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace AsArm.Inference.Onnx.Cached;

/// <summary>
/// Buffers of the inputs and outputs of the cached graph, except the cache itself: pinned, and on a device with copies in its memory. Padding content
/// rows stand at the spare position of their slot, which all others are masked from; they attend to something themselves, so that no attention row is
/// fully masked.
/// </summary>
internal sealed class CachedBuffers : IDisposable
{
    private const int Unreachable = int.MaxValue; // a rank past every horizon

    private readonly ModelManifest _manifest;
    private readonly CachedGraphFormat _format;
    private readonly IDeviceMemory? _memory;
    private readonly DeviceInputs? _deviceInputs;
    private readonly TransferBuffer<float> _logits;

    /// <param name="manifest">The model.</param>
    /// <param name="format">How its graph is run.</param>
    /// <param name="memory">The memory of the device; null for a CPU.</param>
    public CachedBuffers(ModelManifest manifest, CachedGraphFormat format, IDeviceMemory? memory = null)
        : this(manifest, format, memory, 0, 0, 0)
    {
    }

    private CachedBuffers(ModelManifest manifest, CachedGraphFormat format, IDeviceMemory? memory, int content, int targets, int past)
    {
        _manifest = manifest;
        _format = format;
        _memory = memory;
        Content = [Pinned<long>(content), Pinned<long>(content), Pinned<long>(content)];
        Targets = [Pinned<long>(targets), Pinned<long>(targets)];
        PastRanks = Pinned<long>(past);
        format.Allocate(content);
        try
        {
            _logits = new TransferBuffer<float>(memory, checked(targets * manifest.VocabularySize));
            States = manifest.HasDraftHead ? new TargetStates(manifest, memory, targets) : null;
            _deviceInputs = memory is null ? null : new DeviceInputs(memory, Content.Length + Targets.Length + 1, checked((3 * content) + (2 * targets) + past));
        }
        catch
        {
            States?.Dispose();
            _logits?.Dispose();
            throw;
        }
    }

    /// <summary>input_ids, content_positions and content_horizons, each [batch, content].</summary>
    public long[][] Content { get; }

    /// <summary>target_positions and target_horizons, each [batch, targets].</summary>
    public long[][] Targets { get; }

    /// <summary>[batch, past]</summary>
    public long[] PastRanks { get; }

    /// <summary>[batch, targets, vocabulary]</summary>
    public ReadOnlySpan<float> Logits => _logits.Values;

    /// <summary>[batch, targets, state size]; null for a folder without a draft head.</summary>
    public TargetStates? States { get; }

    /// <summary>Size of the large buffers: logits, and new keys and values where the graph returns them.</summary>
    public long Bytes => (Content[0].Length * _format.ContentBytes) + (Targets[0].Length * MemoryBounds.CachedTargetBytes(_manifest));

    /// <summary>Whether a run of this shape fits.</summary>
    public bool CanFit(CachedShape shape) =>
        shape.Batch * shape.Content <= Content[0].Length && shape.Batch * shape.Targets <= Targets[0].Length && shape.Batch * shape.Past <= PastRanks.Length;

    /// <summary>Larger buffers for all shapes that fit these, and for this one; on a device for many more, as captured graphs depend on where they are.</summary>
    public CachedBuffers WithCapacityFor(CachedShape shape)
    {
        (int content, int targets, int past) = _memory is null ? (0, 0, 0) : (2048, 128, 16384);
        return new(
            _manifest, _format, _memory,
            Math.Max(checked(shape.Batch * shape.Content), Math.Max(content, Content[0].Length)),
            Math.Max(checked(shape.Batch * shape.Targets), Math.Max(targets, Targets[0].Length)),
            Math.Max(checked(shape.Batch * shape.Past), Math.Max(past, PastRanks.Length)));
    }

    /// <summary>Writes the inputs of a run, on a device too.</summary>
    public void Write(ReadOnlySpan<PlannedSequence> sequences, CachedRun run)
    {
        CachedShape shape = run.Shape;
        if (sequences.Length < shape.Batch)
        {
            for (int batchIndex = 0; batchIndex < shape.Batch; batchIndex++)
                WriteIdle(batchIndex, shape);
        }

        for (int i = 0; i < sequences.Length; i++)
        {
            PlannedSequence sequence = sequences[i];
            int batchIndex = run.BatchIndexOf(run.From + i, sequence.Slot);
            WriteContent(sequence, batchIndex * shape.Content, shape);
            WriteTargets(sequence, batchIndex * shape.Targets, shape.Targets);
            WritePast(sequence, PastRanks.AsSpan(batchIndex * shape.Past, shape.Past));
        }

        Upload(shape);
    }

    /// <summary>Makes the outputs of a run readable.</summary>
    /// <param name="shape">The dimensions of the run.</param>
    /// <param name="batch">Number of slots that are read, from the first one.</param>
    /// <param name="targets">Number of query positions that are read of each.</param>
    /// <returns>Number of query positions from one slot to the next in the outputs.</returns>
    public int Download(CachedShape shape, int batch, int targets)
    {
        int vocabulary = _manifest.VocabularySize;
        States?.Download(batch, shape.Targets, targets);
        return _logits.Download(batch, shape.Targets * vocabulary, targets * vocabulary) / vocabulary;
    }

    /// <summary>Frees the memory on a device; to be called after all tensors over the buffers were released.</summary>
    public void Dispose()
    {
        _deviceInputs?.Dispose();
        _logits.Dispose();
        States?.Dispose();
    }

    /// <summary>Binds the buffers and the cache as tensors of a shape.</summary>
    public BoundTensors Bind(OnnxGraph graph, CachedShape shape, IKeyValueCache cache)
    {
        int[] content = [shape.Batch, shape.Content], targets = [shape.Batch, shape.Targets], past = [shape.Batch, shape.Past];
        OrtValue[] inputs = _deviceInputs?.Tensors([content, content, content, targets, targets, past]) ??
        [
            .. Content.Select(memory => BoundTensors.Over(memory, content)), .. Targets.Select(memory => BoundTensors.Over(memory, targets)), BoundTensors.Over(PastRanks, past),
        ];
        OrtValue[] ports = [.. Enumerable.Range(0, 2 * _manifest.Layers).Select(port => cache.Tensor(port, shape.FirstSlot, shape.Batch))];
        OrtValue logits = _logits.Tensor(TensorElementType.Float, [.. targets, _manifest.VocabularySize]);
        BoundTensors tensors = _format.Bind(graph, shape, inputs, ports, logits, States?.Bind(shape.Batch, shape.Targets));
        tensors.AreOnDevice = _memory is not null;
        return tensors;
    }

    private void Upload(CachedShape shape)
    {
        if (_deviceInputs is null)
            return;
        int offset = 0, content = shape.Batch * shape.Content, targets = shape.Batch * shape.Targets;
        foreach (long[] input in Content)
            offset = _deviceInputs.Put(input.AsSpan(0, content), offset);
        foreach (long[] input in Targets)
            offset = _deviceInputs.Put(input.AsSpan(0, targets), offset);
        _deviceInputs.Upload(_deviceInputs.Put(PastRanks.AsSpan(0, shape.Batch * shape.Past), offset));
        _memory!.Synchronize();
    }

    private void WriteContent(PlannedSequence sequence, int start, CachedShape shape)
    {
        SequenceState state = sequence.State;
        for (int i = 0; i < shape.Content; i++)
        {
            bool isPadding = i >= sequence.Content;
            int rank = isPadding ? 0 : sequence.FirstRank + i;
            int position = state.Order.Positions[rank];
            int horizon = Math.Max(state.Order.GivenCount, rank + 1); // a given token sees all given ones, any other the earlier ranks and itself
            WriteContent(start + i, state.Tokens[position], isPadding ? shape.SparePosition : position, isPadding ? Unreachable : rank, horizon);
        }
    }

    private void WriteContent(int index, int token, int position, int rank, int horizon)
    {
        (Content[0][index], Content[1][index], Content[2][index]) = (token, position, horizon);
        _format.WriteRank(index, rank);
    }

    private void WriteTargets(PlannedSequence sequence, int start, int length)
    {
        ReadOnlySpan<Conditional> conditionals = sequence.State.Conditionals;
        for (int i = 0; i < length; i++)
        {
            Conditional query = conditionals[i < conditionals.Length ? i : 0];
            Targets[0][start + i] = sequence.State.Order.Positions[query.Rank];
            Targets[1][start + i] = query.Horizon;
        }
    }

    private void WritePast(PlannedSequence sequence, Span<long> past)
    {
        past.Fill(Unreachable);
        ReadOnlySpan<int> ranks = sequence.State.Order.Ranks;
        int count = _format.PastCount(sequence);
        for (int position = 0; position < ranks.Length; position++)
        {
            if (ranks[position] < count)
                past[position] = ranks[position];
        }
    }

    /// <summary>Inputs of a slot whose sequence is not in the run: its rows attend to the spare position only, where they stand themselves.</summary>
    private void WriteIdle(int batchIndex, CachedShape shape)
    {
        for (int i = 0; i < shape.Content; i++)
            WriteContent(batchIndex * shape.Content + i, _manifest.MaskId, shape.SparePosition, Unreachable, 1);
        Targets[0].AsSpan(batchIndex * shape.Targets, shape.Targets).Clear();
        Targets[1].AsSpan(batchIndex * shape.Targets, shape.Targets).Fill(1);
        Span<long> past = PastRanks.AsSpan(batchIndex * shape.Past, shape.Past);
        past.Fill(Unreachable);
        past[shape.SparePosition] = 0;
    }

    private static T[] Pinned<T>(int length) => GC.AllocateUninitializedArray<T>(length, pinned: true);
}
