using AsArm.Assd.Models;
using AsArm.Inference.ModelFolders;

namespace AsArm.Inference.Onnx.Sessions;

/// <summary>A model on an ONNX graph of a model folder. Not thread-safe: one forward pass at a time.</summary>
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
    public int MaxLength => Manifest.MaxLength;

    /// <inheritdoc />
    public virtual int StateSize => 0;

    /// <summary>Path of the ONNX file.</summary>
    public string GraphPath { get; }

    /// <summary>The inputs, then the outputs of the graph.</summary>
    internal IReadOnlyList<GraphPort> Ports => Graph.Ports;

    /// <summary>Total time spent in ONNX Runtime.</summary>
    public TimeSpan NativeTime => Graph.NativeTime;

    /// <summary>Size of the buffers for inputs and outputs, in bytes.</summary>
    internal abstract long BufferBytes { get; }

    /// <summary>
    /// Why CUDA graphs are not used although the device has them, which makes passes slower; null if they are used, or the device has none.
    /// </summary>
    public string? CudaGraphFailure => Graph.CaptureFailure;

    /// <summary>Number of CUDA graphs that were captured.</summary>
    internal int CudaGraphCount => Graph.CaptureCount;

    /// <summary>Size up to which buffers are retained after a pass, in bytes.</summary>
    private protected virtual long RetainedBytes => MemoryBounds.RetainedBytes;

    private protected OnnxGraph Graph { get; }

    private protected ModelManifest Manifest { get; }

    /// <inheritdoc />
    /// <exception cref="ModelRunException">ONNX Runtime failed to run the graph.</exception>
    public void Evaluate(ReadOnlySpan<SequenceState> states, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        cancellationToken.ThrowIfCancellationRequested();
        if (states.IsEmpty)
            throw new ArgumentException("There is no sequence.", nameof(states));
        foreach (SequenceState state in states)
            Require(state);
        try
        {
            EvaluateCore(states, cancellationToken);
        }
        finally
        {
            if (BufferBytes > RetainedBytes)
            {
                ReleaseTensors();
                ReleaseBuffers();
            }
        }
    }

    /// <inheritdoc />
    public virtual void Release(SequenceState sequence)
    {
    }

    /// <summary>Releases the session and its buffers; later calls of Evaluate throw.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        try
        {
            ReleaseTensors();
            ReleaseMemory();
        }
        finally
        {
            Graph.Dispose();
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>Evaluates the queries of states that have been validated.</summary>
    private protected abstract void EvaluateCore(ReadOnlySpan<SequenceState> states, CancellationToken cancellationToken);

    /// <summary>Releases all tensors over the buffers.</summary>
    private protected abstract void ReleaseTensors();

    /// <summary>Releases the buffers; called after <see cref="ReleaseTensors" />.</summary>
    private protected abstract void ReleaseBuffers();

    /// <summary>Releases buffers and caches at the end, on a device too.</summary>
    private protected virtual void ReleaseMemory()
    {
    }

    private void Require(SequenceState state)
    {
        if (state.Order.Length > MaxLength)
            throw new ArgumentException($"{state.Order.Length} tokens are more than the maximum length {MaxLength} of the model.", nameof(state));
        if (state.VocabularySize != VocabularySize)
            throw new ArgumentException($"A sequence over {state.VocabularySize} tokens, the model has {VocabularySize}.", nameof(state));
        if (state.StateSize != 0 && state.StateSize != StateSize)
            throw new ArgumentException($"A sequence asks for states of {state.StateSize} numbers, the model returns {StateSize}.", nameof(state));
        if (state.Order.GivenCount == 0)
            throw new ArgumentException("The network needs at least one given token; put the document separator first.", nameof(state));
        if (state.Conditionals.IsEmpty)
            throw new ArgumentException("A sequence has no queries.", nameof(state));
    }
}
