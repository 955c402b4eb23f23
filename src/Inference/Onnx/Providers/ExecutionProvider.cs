using System.Globalization;
using AsArm.Inference.Devices;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Onnx.Providers;

/// <summary>An execution provider of ONNX Runtime, and where to find it.</summary>
/// <param name="Device">The device that it is of.</param>
/// <param name="Names">Its names in ONNX Runtime, the first of which is the customary one.</param>
/// <param name="Library">The native library of ONNX Runtime's own one; null if it is in the main library.</param>
/// <param name="Base">The provider for nodes that it does not support; null for the CPU.</param>
internal sealed record ExecutionProvider(Device Device, IReadOnlyList<string> Names, string? Library, ExecutionProvider? Base)
{
    /// <summary>The provider of the CPU.</summary>
    public const string CpuName = "CPUExecutionProvider";

    private const string Tf32Variable = "NVIDIA_TF32_OVERRIDE";

    /// <summary>The execution provider of a device.</summary>
    public static ExecutionProvider Of(Device device) => device.Name switch
    {
        Device.CpuName => new(device, [CpuName], null, null),
        Device.CudaName => new(device, ["CUDAExecutionProvider", "CudaPluginExecutionProvider"], "libonnxruntime_providers_cuda.so", null),
        Device.TensorRTName => new(device, ["TensorrtExecutionProvider"], "libonnxruntime_providers_tensorrt.so", Of(Device.Cuda.WithId(device.Id))),
        _ => new(device, [device.Name], null, null),
    };

    /// <summary>Why a device cannot compute in float32; null if it can, or need not. TensorRT has no option for TF32, only an environment variable for
    /// all NVIDIA libraries.</summary>
    public static string? Float32UnavailableReason(Device device, DeviceOptions options, string? variable) =>
        device.Name != Device.TensorRTName || options.AllowTf32 || options.Float16 || variable == "0" ? null
        : $"it computes float32 in TF32 unless {Tf32Variable}=0 is in the environment when the process starts: set it, or allow TF32 with --allow-tf32";

    /// <inheritdoc cref="Float32UnavailableReason(Device, DeviceOptions, string?)" />
    public static string? Float32UnavailableReason(Device device, DeviceOptions options) =>
        Float32UnavailableReason(device, options, Environment.GetEnvironmentVariable(Tf32Variable));

    /// <summary>Finds the provider among those of registered libraries, then among ONNX Runtime's own.</summary>
    /// <param name="library">Path of a library that is registered first and has to have the provider; null for none.</param>
    /// <param name="reason">Why the provider is not available, as far as can be checked without a graph.</param>
    /// <returns>Null if it is not available.</returns>
    public ProviderSource? Find(string? library, out string? reason)
    {
        IReadOnlyList<string> provided = [];
        reason = library is null || Device == Device.Cpu ? null : ProviderLibraries.Register(library, Names[0], out provided);
        if (reason is not null)
            return null;
        OrtEnv environment = OnnxEnvironment.Get();
        OrtEpDevice[] registered = [.. environment.GetEpDevices().Where(device => Device != Device.Cpu && IsName(device.EpName))];
        if (registered.Length > 0)
            return FindDevice(registered, out reason);
        if (library is not null && Device != Device.Cpu)
            reason = $"{library} {DescribeProvided(provided)}";
        else if (environment.GetAvailableProviders().FirstOrDefault(IsName) is string own)
            return (reason = WhyOwnIsMissing()) is null ? new(this, own, null) : null;
        else
            reason = Device.IsWellKnown ? $"this build has no {Names[0]}"
                : $"ONNX Runtime has no execution provider '{Device.Name}' here, only {string.Join(", ", environment.GetAvailableProviders())}";
        return null;
    }

    /// <summary>The place of a device among those of a provider.</summary>
    /// <param name="numbers">The device_id of each; null where a library does not say, and they are counted.</param>
    /// <param name="id">The number that is looked for.</param>
    /// <returns>-1 if it is not there.</returns>
    internal static int IndexOf(IReadOnlyList<string?> numbers, int id)
    {
        string text = id.ToString(CultureInfo.InvariantCulture);
        for (int i = 0; i < numbers.Count; i++)
        {
            if (numbers[i] is string number ? number == text : i == id)
                return i;
        }

        return -1;
    }

    private ProviderSource? FindDevice(OrtEpDevice[] devices, out string? reason)
    {
        string?[] numbers = [.. devices.Select(device => device.EpOptions.Entries.GetValueOrDefault("device_id"))];
        int index = IndexOf(numbers, Device.Id);
        reason = index >= 0 ? null : $"{devices[0].EpName} has no device {Device.Id}, only {string.Join(", ", numbers.Select((number, i) => number ?? $"{i}"))}";
        return index < 0 ? null : new(this, devices[index].EpName, devices[index]);
    }

    private static string DescribeProvided(IReadOnlyList<string> names) => names.Count == 0
        ? "has no execution provider for the devices of this machine"
        : $"has other execution providers: use --device {string.Join(" or ", names)}";

    /// <summary>Why ONNX Runtime's own provider cannot be loaded; null if it can, or where it cannot be checked.</summary>
    private string? WhyOwnIsMissing()
    {
        if (Library is null || !OperatingSystem.IsLinux())
            return null;
        if (Folders().Select(folder => Path.Combine(folder, Library)).FirstOrDefault(File.Exists) is not string path)
            return $"{Library} is not beside the program";
        IReadOnlyList<string> missing = NativeLibraries.Missing(path);
        if (missing.Count > 0)
            return NativeLibraries.Describe(missing);
        string? reason = null;
        Base?.Find(null, out reason);
        return reason;
    }

    private bool IsName(string name) => Names.Any(known => Device.IsSameProvider(known, name));

    /// <summary>The folders in which .NET looks for native libraries of packages.</summary>
    private static IEnumerable<string> Folders() =>
        [AppContext.BaseDirectory, .. (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)];
}
