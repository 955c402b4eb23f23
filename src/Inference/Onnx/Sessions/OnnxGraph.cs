using System.Diagnostics;
using AsArm.Inference.Devices;
using AsArm.Inference.ModelFolders;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Onnx.Sessions;

/// <summary>An ONNX Runtime session over one graph of a folder. Its inputs and outputs have been checked, and runs can be cancelled.</summary>
internal sealed class OnnxGraph : IDisposable
{
    private readonly RunOptions _runOptions = new() { LogSeverityLevel = OnnxSession.LogSeverity };
    private readonly Device _device;
    private readonly string _path;

    private OnnxGraph(InferenceSession session, GraphContract contract, Device device, string path)
    {
        Session = session;
        Contract = contract;
        _device = device;
        _path = path;
    }

    public InferenceSession Session { get; }

    public GraphContract Contract { get; }

    /// <summary>Total time of all runs.</summary>
    public TimeSpan NativeTime { get; private set; }

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
        InferenceSession session = OnnxSession.Open(GraphFile.Read(folder, path), execution, isFloat32);
        try
        {
            contract.Check(session, path);
            contract.CheckProperties(session, folder, path);
            return new OnnxGraph(session, contract, execution.Device, path);
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
    public void Run(BoundTensors tensors, CancellationToken cancellationToken)
    {
        if (_device != Device.Cpu)
            tensors.BindInputs(); // inputs are copied to a GPU when they are bound, not when the graph runs
        CancellationTokenRegistration stop = cancellationToken.UnsafeRegister(
            static state => ((RunOptions)state!).Terminate = true, _runOptions);
        long start = Stopwatch.GetTimestamp();
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
            NativeTime += Stopwatch.GetElapsedTime(start);
            stop.Dispose(); // waits for a running callback, so that it cannot stop the next run
            if (cancellationToken.IsCancellationRequested)
                _runOptions.Terminate = false;
        }
    }

    public void Dispose()
    {
        _runOptions.Dispose();
        Session.Dispose();
    }
}
