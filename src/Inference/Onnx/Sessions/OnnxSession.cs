using AsArm.Inference.Devices;
using AsArm.Inference.ModelFolders;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Onnx.Sessions;

/// <summary>Opens ONNX Runtime sessions. All session settings are here; those of devices in <see cref="ExecutionProvider" />.</summary>
internal static class OnnxSession
{
    /// <summary>ONNX Runtime throws what went wrong; written to the log, it would stand on standard error as well.</summary>
    public const OrtLoggingLevel LogSeverity = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL;

    private static readonly string[] s_fileErrors = ["NoSuchFile", "NoModel", "InvalidProtobuf", "InvalidGraph"];

    /// <summary>A session over a graph.</summary>
    /// <param name="graph">The ONNX file.</param>
    /// <param name="execution">Where it runs.</param>
    /// <param name="isFloat32">Whether its products are of float32.</param>
    /// <exception cref="DeviceNotAvailableException">The device is missing in this build or on this machine.</exception>
    /// <exception cref="ModelFolderException">The file is no ONNX model that this runtime can load.</exception>
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
        catch (OnnxRuntimeException error) when (device == Device.Cpu || IsAboutTheFile(error))
        {
            throw new ModelFolderException($"{graph.Path} is no model that ONNX Runtime can load: {OneLine(error)}", error);
        }
        catch (OnnxRuntimeException error)
        {
            throw Missing(device, OneLine(error), error);
        }
    }

    /// <summary>An exception's message without line breaks.</summary>
    public static string OneLine(Exception error) => error.Message.ReplaceLineEndings(" ").Trim();

    private static SessionOptions CreateOptions(ExecutionSettings execution, bool isFloat32)
    {
        Device device = execution.Device;
        string? why = ExecutionProvider.Of(device).WhyNot() ?? (isFloat32 ? ExecutionProvider.WhyNoFloat32(device, execution.AllowTf32) : null);
        if (why is not null)
            throw Missing(device, why, null);
        var options = new SessionOptions { LogSeverityLevel = LogSeverity };
        // Threads wait actively for the next operator of a run, which saves some 8 % of a small call, and not after it.
        options.AddSessionConfigEntry("session.intra_op.allow_spinning", device == Device.Cpu ? "1" : "0");
        options.AddSessionConfigEntry("session.force_spinning_stop", "1");
        options.EnableMemoryPattern = false; // it plans memory per shape: sizes vary, and the peak is lower without
        options.IntraOpNumThreads = device == Device.Cpu ? execution.Threads ?? 0 : 1;
        try
        {
            ExecutionProvider.Of(device).AddTo(options, execution.AllowTf32);
            return options;
        }
        catch (Exception error) when (error is OnnxRuntimeException or EntryPointNotFoundException)
        {
            options.Dispose();
            throw Missing(device, OneLine(error), error);
        }
    }

    private static DeviceNotAvailableException Missing(Device device, string why, Exception? inner)
    {
        string available = string.Join(", ", AvailableDevices.List().Select(DeviceNames.NameOf));
        string message = $"Device {DeviceNames.NameOf(device)} is not available ({why}). Available: {available}. " +
            "For an NVIDIA GPU build with -p:AsArmGpu=true on a machine with its driver and CUDA, for TensorRT with TensorRT and cuDNN besides.";
        return inner is null ? new DeviceNotAvailableException(message) : new DeviceNotAvailableException(message, inner);
    }

    /// <summary>ONNX Runtime puts its error code into the message only.</summary>
    private static bool IsAboutTheFile(OnnxRuntimeException error) =>
        s_fileErrors.Any(code => error.Message.Contains($"ErrorCode:{code}", StringComparison.Ordinal));
}
