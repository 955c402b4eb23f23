using AsArm.Inference.Devices;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Onnx.Providers;

/// <summary>Libraries of execution providers (plugins) that are registered with ONNX Runtime, each once in a process. They stay registered.</summary>
internal static class ProviderLibraries
{
    private static readonly Lock s_registration = new();
    private static readonly Dictionary<string, string[]> s_registered = [];

    /// <summary>The library to register: that of the options, else of the environment; null for none.</summary>
    public static string? PathOf(DeviceOptions options) =>
        options.ProviderLibrary ?? (Environment.GetEnvironmentVariable(DeviceOptions.LibraryVariable) is { Length: > 0 } path ? path : null);

    /// <summary>Registers a library unless it is.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="provider">The name of the provider that is expected of it; some libraries take it for their own.</param>
    /// <param name="providers">Names of the providers that the library has devices for.</param>
    /// <returns>Why it cannot be registered; null if it is.</returns>
    public static string? Register(string path, string provider, out IReadOnlyList<string> providers)
    {
        string full = Path.GetFullPath(path);
        lock (s_registration)
        {
            providers = s_registered.GetValueOrDefault(full) ?? [];
            if (s_registered.ContainsKey(full))
                return null;
            if (!File.Exists(full))
                return $"there is no file {path}";
            OrtEnv environment = OnnxEnvironment.Get();
            int before = environment.GetEpDevices().Count;
            try
            {
                environment.RegisterExecutionProviderLibrary(UniqueName(provider), full);
            }
            catch (OnnxRuntimeException error)
            {
                return ReasonOf(path, full, error);
            }

            string[] names = [.. environment.GetEpDevices().Skip(before).Select(device => device.EpName).Distinct()];
            providers = s_registered[full] = names;
            return null;
        }
    }

    private static string UniqueName(string provider) => s_registered.Count == 0 ? provider : $"{provider}.{s_registered.Count}";

    private static string ReasonOf(string path, string full, OnnxRuntimeException error)
    {
        IReadOnlyList<string> missing = OperatingSystem.IsLinux() ? NativeLibraries.Missing(full) : [];
        return missing.Count > 0
            ? $"{path}: {NativeLibraries.Describe(missing)}"
            : $"{path} is not a library of execution providers that this version of ONNX Runtime can load: {error.Message.ReplaceLineEndings(" ").Trim()}";
    }
}
