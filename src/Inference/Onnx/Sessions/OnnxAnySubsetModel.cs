using AsArm.Assd.Models;
using AsArm.Inference.ModelFolders;

namespace AsArm.Inference.Onnx.Sessions;

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
    public int MaxLength => Manifest.MaxLength;

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

    /// <inheritdoc />
    /// <exception cref="ModelRunException">ONNX Runtime could not run the graph.</exception>
    public void Evaluate(ReadOnlySpan<SequenceState> states, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        cancellationToken.ThrowIfCancellationRequested();
        if (states.IsEmpty)
            throw new ArgumentException("No sequence.", nameof(states));
        foreach (SequenceState state in states)
            Require(state);
        try
        {
            Answer(states, cancellationToken);
        }
        finally
        {
            if (BufferBytes > MemoryBounds.RetainedBytes)
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

    /// <summary>Releases the session and its buffers; later calls throw.</summary>
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
    private protected abstract void Answer(ReadOnlySpan<SequenceState> states, CancellationToken cancellationToken);

    private protected abstract void ReleaseTensors();

    /// <summary>After the tensors over them.</summary>
    private protected abstract void ReleaseBuffers();

    private void Require(SequenceState state)
    {
        if (state.Order.Length > MaxLength)
            throw new ArgumentException($"{state.Order.Length} tokens, the model takes {MaxLength}.", nameof(state));
        if (state.VocabularySize != VocabularySize)
            throw new ArgumentException($"A sequence over {state.VocabularySize} tokens, the model has {VocabularySize}.", nameof(state));
        if (state.Order.GivenCount == 0)
            throw new ArgumentException("The network needs at least one given token; put the document separator first.", nameof(state));
        if (state.Conditionals.IsEmpty)
            throw new ArgumentException("A sequence asks nothing.", nameof(state));
    }
}
