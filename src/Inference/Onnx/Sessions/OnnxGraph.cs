using System.Diagnostics;
using AsArm.Inference.Devices;
using AsArm.Inference.ModelFolders;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Onnx.Sessions;

/// <summary>An ONNX Runtime session over one graph of a folder. Its inputs and outputs have been checked, and runs can be cancelled.</summary>
internal sealed class OnnxGraph : IDisposable
{
    private readonly RunOptions _runOptions = new() { LogSeverityLevel = OnnxSession.LogSeverity };
    private readonly Func<bool, InferenceSession> _open;
    private readonly Device _device;
    private readonly string _path;
    private InferenceSession? _session; // null if it could not be opened again
    private GraphCaptures? _captures;

    private OnnxGraph(InferenceSession session, Func<bool, InferenceSession> open, GraphContract contract, Device device, string path, GraphCaptures? captures)
    {
        _session = session;
        Contract = contract;
        _open = open;
        _device = device;
        _path = path;
        _captures = captures;
        if (captures is not null)
            GraphCaptures.Exclude(_runOptions);
    }

    /// <summary>The session.</summary>
    /// <exception cref="ModelRunException">It could not be opened again after a failed capture.</exception>
    public InferenceSession Session => _session ?? throw new ModelRunException($"{_path} could not be opened again without CUDA graphs: open the model anew.");

    public GraphContract Contract { get; }

    /// <summary>Total time of all runs.</summary>
    public TimeSpan NativeTime { get; private set; }

    /// <summary>Number of runs that were captured and can be replayed.</summary>
    public int CaptureCount => _captures?.Count ?? 0;

    /// <summary>Why runs are not captured although that was asked for; null if they are, or nobody asked.</summary>
    public string? CaptureFailure { get; private set; }

    /// <summary>The inputs, then the outputs.</summary>
    public IReadOnlyList<GraphPort> Ports =>
    [
        .. Session.InputMetadata.Select(node => GraphContract.Describe(true, node.Key, node.Value)),
        .. Session.OutputMetadata.Select(node => GraphContract.Describe(false, node.Key, node.Value)),
    ];

    /// <summary>Opens a graph and checks that its inputs and outputs are those of the contract.</summary>
    /// <exception cref="ModelFolderException">The graph is damaged or of another model.</exception>
    /// <exception cref="DeviceNotAvailableException">The device is not available.</exception>
    /// <exception cref="ArgumentException">An option that the device does not have, or a number of threads that is not positive.</exception>
    public static OnnxGraph Open(ModelFolder folder, string path, GraphContract contract, ExecutionSettings execution)
    {
        if (execution.Threads is int threads)
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(threads);
        bool isFloat32 = !folder.Manifest.IsRounded || (folder.Manifest.IsInteger && execution.UsesFloat32Graphs);
        InferenceSession Open(bool captures) => OnnxSession.Open(GraphFile.Read(folder, path), execution with { CapturesGraphs = captures }, isFloat32);
        string? failure = null;
        InferenceSession session = execution.CapturesGraphs ? OpenForCaptures(Open, out failure) : Open(false);
        try
        {
            contract.Check(session, path);
            contract.CheckProperties(session, folder, path);
            return new OnnxGraph(session, Open, contract, execution.Device, path, execution.CapturesGraphs && failure is null ? new GraphCaptures() : null) { CaptureFailure = failure };
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>Runs the graph with the bound tensors; allocates nothing on a CPU.</summary>
    /// <exception cref="OperationCanceledException">Cancelled during the run.</exception>
    /// <exception cref="ModelRunException">ONNX Runtime failed to run the graph.</exception>
    /// <exception cref="GraphCaptureException">The run could not be captured; to be repeated after <see cref="ReopenWithoutCaptures" />.</exception>
    public void Run(BoundTensors tensors, CancellationToken cancellationToken)
    {
        if (_device != Device.Cpu && !tensors.AreOnDevice)
            tensors.BindInputs(); // inputs are copied to a GPU when they are bound, not when the graph runs
        long start = Stopwatch.GetTimestamp();
        try
        {
            if (_captures?.OptionsFor(tensors) is RunOptions options)
                RunCaptured(tensors, options);
            else
                RunCancellably(tensors, cancellationToken);
        }
        finally
        {
            NativeTime += Stopwatch.GetElapsedTime(start);
        }
    }

    /// <summary>Opens the session again, without captures. All tensors that are bound to it must have been disposed.</summary>
    /// <param name="reason">What is in the way of captures.</param>
    public void ReopenWithoutCaptures(string reason)
    {
        (_captures, CaptureFailure) = (null, reason);
        _session?.Dispose();
        _session = null;
        _session = _open(false);
    }

    public void Dispose()
    {
        _runOptions.Dispose();
        _session?.Dispose();
    }

    /// <summary>A session that captures runs; one that does not if ONNX Runtime refuses, as for a graph with nodes on the CPU.</summary>
    private static InferenceSession OpenForCaptures(Func<bool, InferenceSession> open, out string? failure)
    {
        failure = null;
        try
        {
            return open(true);
        }
        catch (DeviceNotAvailableException error) when (error.InnerException is OnnxRuntimeException inner)
        {
            failure = OnnxSession.OneLine(inner);
            return open(false); // says what is wrong, if it was not the captures
        }
    }

    /// <summary>A run that is captured or replayed. It is not cancelled: a capture that ends half-way leaves the stream unusable, and a replay is short.</summary>
    private void RunCaptured(BoundTensors tensors, RunOptions options)
    {
        try
        {
            Session.RunWithBinding(options, tensors.Binding);
        }
        catch (OnnxRuntimeException error)
        {
            throw new GraphCaptureException(OnnxSession.OneLine(error), error);
        }
    }

    private void RunCancellably(BoundTensors tensors, CancellationToken cancellationToken)
    {
        CancellationTokenRegistration stop = cancellationToken.UnsafeRegister(
            static state => ((RunOptions)state!).Terminate = true, _runOptions);
        try
        {
            Session.RunWithBinding(_runOptions, tensors.Binding);
        }
        catch (OnnxRuntimeException) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        catch (OnnxRuntimeException error)
        {
            throw new ModelRunException($"{_path} could not be run: {OnnxSession.OneLine(error)}", error);
        }
        finally
        {
            stop.Dispose(); // waits for a running callback, so that it cannot stop the next run
            if (cancellationToken.IsCancellationRequested)
                _runOptions.Terminate = false;
        }
    }
}
