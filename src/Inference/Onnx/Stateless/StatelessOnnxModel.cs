using AsArm.Assd.Models;
using AsArm.Inference.Devices;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Sessions;

namespace AsArm.Inference.Onnx.Stateless;

/// <summary>
/// A model on the stateless graph model.onnx: every forward pass processes whole sequences. Buffers grow to the largest run, and tensors over
/// them are reused by shape, so that repeated passes allocate next to nothing.
/// </summary>
internal sealed class StatelessOnnxModel : OnnxAnySubsetModel
{
    private readonly TensorsByShape<StatelessShape> _tensors = new();
    private StatelessBuffers _buffers;

    private StatelessOnnxModel(OnnxGraph graph, ModelManifest manifest, string path)
        : base(graph, manifest, path) => _buffers = new StatelessBuffers(default, manifest.VocabularySize);

    /// <summary>Opens the stateless graph of a folder and checks its inputs and outputs.</summary>
    /// <param name="folder">A checked folder.</param>
    /// <param name="device">The device that runs it.</param>
    /// <param name="threads">Intra-op threads on a CPU; null leaves the choice to ONNX Runtime.</param>
    /// <param name="deviceOptions">How the device is set up; null for the defaults.</param>
    /// <exception cref="ModelFolderException">The graph is damaged or of another model.</exception>
    /// <exception cref="DeviceNotAvailableException">The device is not available, or the folder has no graph for it.</exception>
    public static StatelessOnnxModel Open(ModelFolder folder, Device device = default, int? threads = null, DeviceOptions? deviceOptions = null)
    {
        ArgumentNullException.ThrowIfNull(folder);
        return Open(folder, new ExecutionSettings(device, threads, deviceOptions));
    }

    internal static StatelessOnnxModel Open(ModelFolder folder, ExecutionSettings execution)
    {
        execution = execution with { CapturesGraphs = false }; // its tensors are in host memory
        string path = folder.GraphPath(execution, useCache: false)!;
        return new(OnnxGraph.Open(folder, path, GraphContract.Stateless(folder.Manifest), execution), folder.Manifest, path);
    }

    internal override long BufferBytes => _buffers.Bytes;

    private protected override void EvaluateCore(ReadOnlySpan<SequenceState> states, CancellationToken cancellationToken)
    {
        for (int count; !states.IsEmpty; states = states[count..])
        {
            count = CountForRun(states);
            Run(states[..count], cancellationToken);
        }
    }

    private protected override void ReleaseTensors() => _tensors.Clear();

    private protected override void ReleaseBuffers() => _buffers = new StatelessBuffers(default, VocabularySize);

    /// <summary>How many of the sequences fit into one run, by the size of their logits; at least one.</summary>
    private int CountForRun(ReadOnlySpan<SequenceState> states)
    {
        int targets = 0, count = 0;
        while (count < states.Length)
        {
            targets = Math.Max(targets, states[count].Conditionals.Length);
            if (count > 0 && (count + 1) * targets * MemoryBounds.TargetBytes(Manifest) > MemoryBounds.RetainedBytes)
                break;
            count++;
        }

        return count;
    }

    private void Run(ReadOnlySpan<SequenceState> states, CancellationToken cancellationToken)
    {
        StatelessShape shape = ShapeOf(states);
        BoundTensors tensors = TensorsOf(shape);
        _buffers.Write(states, shape, Manifest.MaskId);
        Graph.Run(tensors, cancellationToken);
        for (int i = 0; i < states.Length; i++)
            _buffers.Logits.AsSpan(i * shape.Targets * VocabularySize, states[i].Logits.Length).CopyTo(states[i].Logits);
    }

    private static StatelessShape ShapeOf(ReadOnlySpan<SequenceState> states)
    {
        int sequence = 0, targets = 0;
        foreach (SequenceState state in states)
        {
            sequence = Math.Max(sequence, state.Order.Length);
            targets = Math.Max(targets, state.Conditionals.Length);
        }

        return new StatelessShape(states.Length, sequence, targets);
    }

    private BoundTensors TensorsOf(StatelessShape shape)
    {
        if (!_buffers.CanFit(shape))
        {
            _tensors.Clear();
            _buffers = _buffers.WithCapacityFor(shape);
        }

        return _tensors.Find(shape) ?? _tensors.Add(shape, _buffers.Bind(Graph, shape));
    }
}
