using System.Diagnostics;
using AsArm.Inference.Devices;
using AsArm.Inference.ModelFolders;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Onnx.Sessions;

/// <summary>A checked ONNX Runtime session over one graph of a folder, with runs that can be cancelled.</summary>
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

    /// <summary>Time of all runs together.</summary>
    public TimeSpan NativeTime { get; private set; }

    /// <summary>Inputs, then outputs.</summary>
    public IReadOnlyList<GraphPort> Ports =>
    [
        .. Session.InputMetadata.Select(node => GraphContract.Describe(true, node.Key, node.Value)),
        .. Session.OutputMetadata.Select(node => GraphContract.Describe(false, node.Key, node.Value)),
    ];

    /// <summary>Opens a graph and checks that its inputs and outputs are those of the contract.</summary>
    /// <exception cref="ModelFolderException">No such model.</exception>
    /// <exception cref="DeviceNotAvailableException">No such device.</exception>
    /// <exception cref="ArgumentException">Threads or TF32 for a device that has none, or no thread.</exception>
    public static OnnxGraph Open(ModelFolder folder, string path, GraphContract contract, ExecutionSettings execution)
    {
        (Device device, int? threads, bool allowTf32, _) = execution;
        if (threads is not null)
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(threads.Value, nameof(threads));
        if (allowTf32 && device == Device.Cpu)
            throw new ArgumentException("TF32 is a format of GPUs, the CPU has none.", nameof(execution));
        bool isFloat32 = !folder.Manifest.IsRounded || (folder.Manifest.IsInteger && execution.UsesFloat32Graphs);
        InferenceSession session = OnnxSession.Open(GraphFile.Read(folder, path), execution, isFloat32);
        try
        {
            contract.Check(session, path);
            contract.CheckProperties(session, folder, path);
            return new OnnxGraph(session, contract, device, path);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>Runs with the bound tensors; allocates nothing on a CPU.</summary>
    /// <exception cref="OperationCanceledException">Stopped within the run.</exception>
    /// <exception cref="ModelRunException">ONNX Runtime could not run it.</exception>
    public void Run(BoundTensors tensors, CancellationToken cancellationToken)
    {
        if (_device != Device.Cpu)
            tensors.BindInputs(); // a GPU copies inputs when they are bound, not when it runs
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
            stop.Dispose(); // waits for a callback under way, so that the next run is not stopped by this token
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
