using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference;

/// <summary>Opens ONNX Runtime sessions. All session settings and execution providers are here.</summary>
internal static class OnnxSession
{
    private static readonly string[] s_fileErrors = ["NoSuchFile", "NoModel", "InvalidProtobuf", "InvalidGraph"];

    /// <summary>A session over a file.</summary>
    /// <param name="path">The ONNX file.</param>
    /// <param name="device">Where it runs.</param>
    /// <param name="threads">Threads of a CPU run; null leaves the choice to ONNX Runtime (one a physical core).</param>
    /// <exception cref="DeviceNotAvailableException">The device is missing in this build or on this machine.</exception>
    /// <exception cref="ModelFolderException">The file is no ONNX model that this runtime can load.</exception>
    public static InferenceSession Open(string path, Device device, int? threads)
    {
        using SessionOptions options = CreateOptions(device, threads);
        try
        {
            return new InferenceSession(path, options);
        }
        catch (OnnxRuntimeException error) when (device == Device.Cpu || IsAboutTheFile(error))
        {
            throw new ModelFolderException($"{path} is no model that ONNX Runtime can load: {OneLine(error)}", error);
        }
        catch (OnnxRuntimeException error)
        {
            throw Missing(device, OneLine(error), error);
        }
    }

    private static SessionOptions CreateOptions(Device device, int? threads)
    {
        if (!Devices.Available().Contains(device))
            throw Missing(device, $"this build has no {Devices.ProviderOf(device)}", null);
        var options = new SessionOptions { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
        // Threads wait actively for the next operator of a run, which saves some 8 % of a small call, and not after it.
        options.AddSessionConfigEntry("session.intra_op.allow_spinning", device == Device.Cpu ? "1" : "0");
        options.AddSessionConfigEntry("session.force_spinning_stop", "1");
        options.EnableMemoryPattern = false; // it plans memory per shape: sizes vary, and the peak is lower without
        options.IntraOpNumThreads = device == Device.Cpu ? threads ?? 0 : 1;
        try
        {
            if (device == Device.TensorRT)
                options.AppendExecutionProvider_Tensorrt();
            if (device != Device.Cpu)
                options.AppendExecutionProvider_CUDA();
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
        string available = string.Join(", ", Devices.Available().Select(Devices.NameOf));
        string message = $"Device {Devices.NameOf(device)} is not available ({why}). Available: {available}. " +
            "For an NVIDIA GPU build with -p:AsArmGpu=true on a machine with its driver, CUDA and cuDNN.";
        return inner is null ? new DeviceNotAvailableException(message) : new DeviceNotAvailableException(message, inner);
    }

    /// <summary>ONNX Runtime puts its error code into the message only.</summary>
    private static bool IsAboutTheFile(OnnxRuntimeException error) =>
        s_fileErrors.Any(code => error.Message.Contains($"ErrorCode:{code}", StringComparison.Ordinal));

    private static string OneLine(Exception error) => error.Message.ReplaceLineEndings(" ").Trim();
}
