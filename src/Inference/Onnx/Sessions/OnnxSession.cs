using AsArm.Inference.Devices;
using AsArm.Inference.ModelFolders;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Onnx.Sessions;

/// <summary>Opens ONNX Runtime sessions. All session options are set here, except those of devices, which <see cref="ExecutionProvider" /> sets.</summary>
internal static class OnnxSession
{
    /// <summary>Errors are thrown; logging them would print them on standard error as well.</summary>
    public const OrtLoggingLevel LogSeverity = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL;

    private static readonly string[] s_fileErrors = ["NoSuchFile", "NoModel", "InvalidProtobuf", "InvalidGraph"];

    /// <summary>Opens a session over a graph.</summary>
    /// <param name="graph">The ONNX file.</param>
    /// <param name="execution">Device and numeric settings.</param>
    /// <param name="isFloat32">Whether the graph computes in float32.</param>
    /// <exception cref="DeviceNotAvailableException">The device is not available in this build or on this machine.</exception>
    /// <exception cref="ModelFolderException">The file is not an ONNX model that this version of ONNX Runtime can load.</exception>
    public static InferenceSession Open(GraphFile graph, ExecutionSettings execution, bool isFloat32)
    {
        Device device = execution.Device;
        using SessionOptions options = CreateOptions(execution, isFloat32);
        if (graph.WeightsFolder is not null)
            options.AddSessionConfigEntry("session.model_external_initializers_file_folder_path", graph.WeightsFolder);
        try
        {
            return new InferenceSession(graph.Bytes, options);
        }
        catch (OnnxRuntimeException error) when (device == Device.Cpu || IsFileError(error))
        {
            throw new ModelFolderException($"{graph.Path} is not a model that ONNX Runtime can load: {OneLine(error)}", error);
        }
        catch (OnnxRuntimeException error)
        {
            throw Unavailable(device, OneLine(error), error);
        }
    }

    /// <summary>An exception's message without line breaks.</summary>
    public static string OneLine(Exception error) => error.Message.ReplaceLineEndings(" ").Trim();

    private static SessionOptions CreateOptions(ExecutionSettings execution, bool isFloat32)
    {
        Device device = execution.Device;
        string? reason = ExecutionProvider.Of(device).UnavailableReason() ?? (isFloat32 ? ExecutionProvider.Float32UnavailableReason(device, execution.AllowTf32) : null);
        if (reason is not null)
            throw Unavailable(device, reason, null);
        var options = new SessionOptions { LogSeverityLevel = LogSeverity };
        // Threads spin between the operators of a run, which saves some 8 % of a small run, and stop spinning after it.
        options.AddSessionConfigEntry("session.intra_op.allow_spinning", device == Device.Cpu ? "1" : "0");
        options.AddSessionConfigEntry("session.force_spinning_stop", "1");
        options.EnableMemoryPattern = false; // memory patterns are per shape: shapes vary, and the peak is lower without them
        options.IntraOpNumThreads = device == Device.Cpu ? execution.Threads ?? 0 : 1;
        try
        {
            ExecutionProvider.Of(device).AddTo(options, execution.AllowTf32);
            return options;
        }
        catch (Exception error) when (error is OnnxRuntimeException or EntryPointNotFoundException)
        {
            options.Dispose();
            throw Unavailable(device, OneLine(error), error);
        }
    }

    private static DeviceNotAvailableException Unavailable(Device device, string reason, Exception? inner)
    {
        string available = string.Join(", ", AvailableDevices.List().Select(DeviceNames.NameOf));
        string message = $"Device {DeviceNames.NameOf(device)} is not available ({reason}). Available: {available}. " +
            "For an NVIDIA GPU build with -p:AsArmGpu=true on a machine with its driver and CUDA, for TensorRT with TensorRT and cuDNN besides.";
        return inner is null ? new DeviceNotAvailableException(message) : new DeviceNotAvailableException(message, inner);
    }

    /// <summary>Whether the error is one of the file; ONNX Runtime has its error code in the message only.</summary>
    private static bool IsFileError(OnnxRuntimeException error) =>
        s_fileErrors.Any(code => error.Message.Contains($"ErrorCode:{code}", StringComparison.Ordinal));
}
