using AsArm.Assd;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference;

/// <summary>
/// The stateless graph model.onnx behind <see cref="IAnySubsetModel" />: every call sends the whole sequences. Buffers grow to
/// the largest call and tensors over them are kept by shape, so that repeated calls allocate next to nothing.
/// </summary>
public sealed class OnnxAnySubsetModel : IAnySubsetModel, IDisposable
{
    private const int MaximumShapes = 64;

    private readonly InferenceSession _session;
    private readonly RunOptions _runOptions = new();
    private readonly Dictionary<CallShape, CallTensors> _tensors = [];
    private readonly int _maskId;
    private CallBuffers _buffers;
    private bool _disposed;

    private OnnxAnySubsetModel(InferenceSession session, ModelManifest manifest)
    {
        _session = session;
        _maskId = manifest.MaskId;
        VocabularySize = manifest.VocabularySize;
        MaximumLength = manifest.MaximumLength;
        _buffers = new CallBuffers(default, VocabularySize);
    }

    /// <inheritdoc />
    public int VocabularySize { get; }

    /// <inheritdoc />
    public int MaximumLength { get; }

    /// <summary>Inputs, then outputs of the graph.</summary>
    public IReadOnlyList<GraphPort> Ports =>
    [
        .. _session.InputMetadata.Select(node => GraphContract.Describe(true, node.Key, node.Value)),
        .. _session.OutputMetadata.Select(node => GraphContract.Describe(false, node.Key, node.Value)),
    ];

    /// <summary>Opens the graph of a folder and checks that its inputs and outputs are those of the contract.</summary>
    /// <param name="folder">A checked folder.</param>
    /// <param name="device">Where it runs.</param>
    /// <param name="threads">Threads of a CPU run; null leaves the choice to ONNX Runtime.</param>
    /// <exception cref="ModelFolderException">No such model.</exception>
    /// <exception cref="DeviceNotAvailableException">No such device.</exception>
    public static OnnxAnySubsetModel Open(ModelFolder folder, Device device = Device.Cpu, int? threads = null)
    {
        ArgumentNullException.ThrowIfNull(folder);
        if (threads is not null)
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(threads.Value, nameof(threads));
        InferenceSession session = OnnxSession.Open(folder.OnnxPath, device, threads);
        try
        {
            GraphContract.Check(session, folder);
            GraphContract.CheckProperties(session, folder);
            return new OnnxAnySubsetModel(session, folder.Manifest);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <inheritdoc />
    public void Evaluate(ReadOnlySpan<SequenceCall> calls, CancellationToken cancellation)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        cancellation.ThrowIfCancellationRequested();
        CallShape shape = ShapeOf(calls);
        CallTensors tensors = TensorsOf(shape);
        _buffers.Write(calls, shape, _maskId);
        Run(tensors, cancellation);
        for (int i = 0; i < calls.Length; i++)
            _buffers.Logits.AsSpan(i * shape.Targets * VocabularySize, calls[i].Logits.Length).CopyTo(calls[i].Logits);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        ReleaseTensors();
        _runOptions.Dispose();
        _session.Dispose();
    }

    private CallShape ShapeOf(ReadOnlySpan<SequenceCall> calls)
    {
        int sequence = 0, targets = 0;
        foreach (SequenceCall call in calls)
        {
            if (call.Order.Length > MaximumLength)
                throw new ArgumentException($"{call.Order.Length} tokens, the model takes {MaximumLength}.", nameof(calls));
            if (call.Order.GivenCount == 0)
                throw new ArgumentException("The network needs at least one given token; put the document separator first.", nameof(calls));
            if (call.Conditionals.IsEmpty)
                throw new ArgumentException("A sequence asks nothing.", nameof(calls));
            sequence = Math.Max(sequence, call.Order.Length);
            targets = Math.Max(targets, call.Conditionals.Length);
        }

        if (calls.IsEmpty)
            throw new ArgumentException("No sequence.", nameof(calls));
        return new CallShape(calls.Length, sequence, targets);
    }

    private CallTensors TensorsOf(CallShape shape)
    {
        if (!_buffers.Hold(shape))
        {
            ReleaseTensors();
            _buffers = _buffers.GrownFor(shape);
        }

        if (_tensors.TryGetValue(shape, out CallTensors? tensors))
            return tensors;
        if (_tensors.Count == MaximumShapes)
            ReleaseTensors();
        return _tensors[shape] = new CallTensors(_buffers, shape, VocabularySize);
    }

    private void Run(CallTensors tensors, CancellationToken cancellation)
    {
        CancellationTokenRegistration stop = cancellation.UnsafeRegister(
            static state => ((RunOptions)state!).Terminate = true, _runOptions);
        try
        {
            // Not through an IoBinding: it would copy the inputs to a GPU once, when they are bound, and not in every call.
            _session.Run(_runOptions, GraphContract.Inputs, tensors.Inputs, GraphContract.Outputs, tensors.Outputs);
        }
        catch (OnnxRuntimeException) when (cancellation.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellation);
        }
        finally
        {
            stop.Dispose(); // waits for a callback under way, so that the next run is not stopped by this token
            if (cancellation.IsCancellationRequested)
                _runOptions.Terminate = false;
        }
    }

    private void ReleaseTensors()
    {
        foreach (CallTensors tensors in _tensors.Values)
            tensors.Dispose();
        _tensors.Clear();
    }
}
