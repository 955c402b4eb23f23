using AsArm.Inference.Devices;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Onnx.Providers;

/// <summary>Provides ONNX Runtime's environment, of which a process has one: that of the application if it created one, else a default one.</summary>
internal static class OnnxEnvironment
{
    private static readonly Lock s_creation = new();

    /// <summary>Returns the environment. Sessions and runs set their own log severity.</summary>
    /// <exception cref="DeviceNotAvailableException">The application has no native library of ONNX Runtime.</exception>
    public static OrtEnv Get()
    {
        try
        {
            lock (s_creation)
                return OrtEnv.IsCreated ? OrtEnv.Instance() : Create();
        }
        catch (Exception error) when (IsMissingLibrary(error))
        {
            throw new DeviceNotAvailableException(
                "The native library of ONNX Runtime is missing, or of another version or platform: the application has to reference the package "
                + "Microsoft.ML.OnnxRuntime, or Microsoft.ML.OnnxRuntime.Gpu for NVIDIA GPUs.", error);
        }
    }

    /// <summary>Loads the native library, without an environment: for another thread than the one that will need it. Errors are left to <see cref="Get" />.</summary>
    public static void LoadLibrary()
    {
        try
        {
            using var options = new RunOptions();
        }
        catch (Exception error) when (IsMissingLibrary(error))
        {
            // the caller learns it where the library is needed
        }
    }

    private static bool IsMissingLibrary(Exception error) =>
        error is TypeInitializationException or DllNotFoundException or EntryPointNotFoundException or BadImageFormatException;

    private static OrtEnv Create()
    {
        // Silent during creation, which may warn about GPUs that it cannot query; then the default severity.
        var options = new EnvironmentCreationOptions { logLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
        OrtEnv environment;
        try
        {
            environment = OrtEnv.CreateInstanceWithOptions(ref options);
        }
        catch (OnnxRuntimeException) when (OrtEnv.IsCreated)
        {
            return OrtEnv.Instance(); // the application created it meanwhile
        }

        environment.EnvLogLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_WARNING;
        return environment;
    }
}
