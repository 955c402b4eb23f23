using AsArm.Inference.Devices;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Onnx.Sessions;

/// <summary>ONNX Runtime's environment, which a process has once: the application's, if it made one, else one as ONNX Runtime itself would make it.</summary>
internal static class OnnxEnvironment
{
    private static readonly Lock s_creation = new();

    /// <summary>The environment; sessions and runs set what is written to the log for themselves.</summary>
    /// <exception cref="DeviceNotAvailableException">The application has no native library of ONNX Runtime.</exception>
    public static OrtEnv Get()
    {
        try
        {
            lock (s_creation)
                return OrtEnv.IsCreated ? OrtEnv.Instance() : Create();
        }
        catch (Exception error) when (error is TypeInitializationException or DllNotFoundException or EntryPointNotFoundException or BadImageFormatException)
        {
            throw new DeviceNotAvailableException(
                "The native library of ONNX Runtime is missing, or is not of this version and machine: the application has to reference the package "
                + "Microsoft.ML.OnnxRuntime, or Microsoft.ML.OnnxRuntime.Gpu for NVIDIA GPUs.", error);
        }
    }

    private static OrtEnv Create()
    {
        // Quiet while it is made, as it would warn of graphics cards that it cannot look at, and then as loud as it is by itself.
        var options = new EnvironmentCreationOptions { logLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
        OrtEnv environment;
        try
        {
            environment = OrtEnv.CreateInstanceWithOptions(ref options);
        }
        catch (OnnxRuntimeException) when (OrtEnv.IsCreated)
        {
            return OrtEnv.Instance(); // the application was faster
        }

        environment.EnvLogLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_WARNING;
        return environment;
    }
}
