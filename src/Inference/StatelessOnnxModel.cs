using AsArm.Assd;

namespace AsArm.Inference;

/// <summary>
/// The stateless graph model.onnx: every call sends the whole sequences. Buffers grow to the largest call and tensors over them
/// are kept by shape, so that repeated calls allocate next to nothing.
/// </summary>
public sealed class StatelessOnnxModel : OnnxAnySubsetModel
{
    private readonly TensorsByShape<CallShape> _tensors = new();
    private CallBuffers _buffers;

    private StatelessOnnxModel(OnnxGraph graph, ModelManifest manifest, string path)
        : base(graph, manifest, path) => _buffers = new CallBuffers(default, manifest.VocabularySize);

    /// <inheritdoc cref="OnnxAnySubsetModel.Open(ModelFolder, Device, int?, bool, bool, bool)" />
    public static StatelessOnnxModel Open(ModelFolder folder, Device device = Device.Cpu, int? threads = null, bool allowTf32 = false)
    {
        ArgumentNullException.ThrowIfNull(folder);
        return Open(folder, new Placement(device, threads, allowTf32));
    }

    internal static StatelessOnnxModel Open(ModelFolder folder, Placement placement)
    {
        string path = folder.GraphPath(placement, useCache: false)!;
        return new(OnnxGraph.Open(folder, path, GraphContract.Stateless(folder.Manifest), placement), folder.Manifest, path);
    }

    internal override long BufferBytes => _buffers.Bytes;

    private protected override void Answer(ReadOnlySpan<SequenceCall> calls, CancellationToken cancellation)
    {
        for (int count; !calls.IsEmpty; calls = calls[count..])
        {
            count = CountForARun(calls);
            Run(calls[..count], cancellation);
        }
    }

    private protected override void ReleaseTensors() => _tensors.Clear();

    private protected override void ReleaseBuffers() => _buffers = new CallBuffers(default, VocabularySize);

    /// <summary>As many of the sequences as their logits allow; one at least.</summary>
    private int CountForARun(ReadOnlySpan<SequenceCall> calls)
    {
        int targets = 0, count = 0;
        while (count < calls.Length)
        {
            targets = Math.Max(targets, calls[count].Conditionals.Length);
            if (count > 0 && (count + 1) * targets * MemoryBounds.TargetBytes(Manifest) > MemoryBounds.KeptBytes)
                break;
            count++;
        }

        return count;
    }

    private void Run(ReadOnlySpan<SequenceCall> calls, CancellationToken cancellation)
    {
        CallShape shape = ShapeOf(calls);
        BoundTensors tensors = TensorsOf(shape);
        _buffers.Write(calls, shape, Manifest.MaskId);
        Graph.Run(tensors, cancellation);
        for (int i = 0; i < calls.Length; i++)
            _buffers.Logits.AsSpan(i * shape.Targets * VocabularySize, calls[i].Logits.Length).CopyTo(calls[i].Logits);
    }

    private static CallShape ShapeOf(ReadOnlySpan<SequenceCall> calls)
    {
        int sequence = 0, targets = 0;
        foreach (SequenceCall call in calls)
        {
            sequence = Math.Max(sequence, call.Order.Length);
            targets = Math.Max(targets, call.Conditionals.Length);
        }

        return new CallShape(calls.Length, sequence, targets);
    }

    private BoundTensors TensorsOf(CallShape shape)
    {
        if (!_buffers.Hold(shape))
        {
            _tensors.Clear();
            _buffers = _buffers.GrownFor(shape);
        }

        return _tensors.Find(shape) ?? _tensors.Add(shape, _buffers.Bind(Graph, shape));
    }
}
