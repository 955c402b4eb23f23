using AsArm.Assd;

namespace AsArm.Inference;

/// <summary>A graph of a model folder behind <see cref="IAnySubsetModel" />.</summary>
public abstract class OnnxAnySubsetModel : IAnySubsetModel, IDisposable
{
    private bool _disposed;

    private protected OnnxAnySubsetModel(OnnxGraph graph, ModelManifest manifest, string path)
    {
        Graph = graph;
        Manifest = manifest;
        GraphPath = path;
    }

    /// <inheritdoc />
    public int VocabularySize => Manifest.VocabularySize;

    /// <inheritdoc />
    public int MaximumLength => Manifest.MaximumLength;

    /// <summary>The ONNX file.</summary>
    public string GraphPath { get; }

    /// <summary>Inputs, then outputs of the graph.</summary>
    public IReadOnlyList<GraphPort> Ports => Graph.Ports;

    /// <summary>Time spent within ONNX Runtime so far; the rest of a caller's time is managed code.</summary>
    public TimeSpan NativeTime => Graph.NativeTime;

    /// <summary>Memory of the buffers for inputs and outputs.</summary>
    internal abstract long BufferBytes { get; }

    private protected OnnxGraph Graph { get; }

    private protected ModelManifest Manifest { get; }

    /// <summary>Opens the graph with the cache where the folder has it, else the stateless one, and checks its contract.</summary>
    /// <param name="folder">A checked folder.</param>
    /// <param name="device">Where it runs.</param>
    /// <param name="threads">Threads of a CPU run; null leaves the choice to ONNX Runtime.</param>
    /// <param name="useCache">False takes the stateless graph, for cross-checks.</param>
    /// <param name="allowTf32">Lets a GPU round the factors of float32 products to TF32: faster, logits are then off by up to 6e-3.</param>
    /// <param name="inFloat32">Takes an int8 or int4 folder's graphs with float32 products on a CPU too, as GPUs always do.</param>
    /// <exception cref="ModelFolderException">No such model.</exception>
    /// <exception cref="DeviceNotAvailableException">No such device, or the folder has no graph for it.</exception>
    public static OnnxAnySubsetModel Open(
        ModelFolder folder, Device device = Device.Cpu, int? threads = null, bool useCache = true, bool allowTf32 = false, bool inFloat32 = false)
    {
        ArgumentNullException.ThrowIfNull(folder);
        var placement = new Placement(device, threads, allowTf32, inFloat32);
        return useCache && folder.GraphPath(placement, useCache: true) is not null
            ? CachedOnnxModel.Open(folder, placement)
            : StatelessOnnxModel.Open(folder, placement);
    }

    /// <inheritdoc />
    /// <exception cref="ModelRunException">ONNX Runtime could not run the graph.</exception>
    public void Evaluate(ReadOnlySpan<SequenceCall> calls, CancellationToken cancellation)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        cancellation.ThrowIfCancellationRequested();
        if (calls.IsEmpty)
            throw new ArgumentException("No sequence.", nameof(calls));
        foreach (SequenceCall call in calls)
            Require(call);
        try
        {
            Answer(calls, cancellation);
        }
        finally
        {
            if (BufferBytes > MemoryBounds.KeptBytes)
            {
                ReleaseTensors();
                ReleaseBuffers();
            }
        }
    }

    /// <inheritdoc />
    public virtual void Release(SequenceCall sequence)
    {
    }

    /// <summary>Lets go of the session and its buffers; later calls throw.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        ReleaseTensors();
        Graph.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Answers calls that were checked.</summary>
    private protected abstract void Answer(ReadOnlySpan<SequenceCall> calls, CancellationToken cancellation);

    private protected abstract void ReleaseTensors();

    /// <summary>After the tensors over them.</summary>
    private protected abstract void ReleaseBuffers();

    private void Require(SequenceCall call)
    {
        if (call.Order.Length > MaximumLength)
            throw new ArgumentException($"{call.Order.Length} tokens, the model takes {MaximumLength}.", nameof(call));
        if (call.VocabularySize != VocabularySize)
            throw new ArgumentException($"A sequence over {call.VocabularySize} tokens, the model has {VocabularySize}.", nameof(call));
        if (call.Order.GivenCount == 0)
            throw new ArgumentException("The network needs at least one given token; put the document separator first.", nameof(call));
        if (call.Conditionals.IsEmpty)
            throw new ArgumentException("A sequence asks nothing.", nameof(call));
    }
}
