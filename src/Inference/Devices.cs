using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference;

/// <summary>The devices that this build of ONNX Runtime knows; whether a GPU is in the machine shows when it is opened.</summary>
public static class Devices
{
    /// <summary>The CPU, and CUDA and TensorRT in a GPU build.</summary>
    public static IReadOnlyList<Device> Available()
    {
        string[] providers = Environment().GetAvailableProviders();
        return [.. Enum.GetValues<Device>().Where(device => providers.Contains(ProviderOf(device)))];
    }

    /// <summary>The device's name on the command line.</summary>
    public static string NameOf(Device device) => device.ToString().ToLowerInvariant();

    /// <summary>ONNX Runtime's environment; unless the application made one, it writes nothing: errors come as exceptions.</summary>
    private static OrtEnv Environment()
    {
        if (OrtEnv.IsCreated)
            return OrtEnv.Instance();
        var options = new EnvironmentCreationOptions { logId = "AsArm", logLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
        return OrtEnv.CreateInstanceWithOptions(ref options);
    }

    internal static string ProviderOf(Device device) => device switch
    {
        Device.Cpu => "CPUExecutionProvider",
        Device.Cuda => "CUDAExecutionProvider",
        Device.TensorRT => "TensorrtExecutionProvider",
        _ => throw new ArgumentOutOfRangeException(nameof(device), device, "No such device."),
    };
}
