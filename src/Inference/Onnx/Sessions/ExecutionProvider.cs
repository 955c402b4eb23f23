using AsArm.Inference.Devices;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Onnx.Sessions;

/// <summary>An execution provider of ONNX Runtime: its availability and its settings.</summary>
/// <param name="Name">Name in ONNX Runtime.</param>
/// <param name="Library">Its native library; null if it is in the main library.</param>
/// <param name="Base">The provider for nodes that it does not support; null for the CPU.</param>
internal sealed record ExecutionProvider(string Name, string? Library, ExecutionProvider? Base)
{
    private const string Tf32Variable = "NVIDIA_TF32_OVERRIDE";

    private static readonly ExecutionProvider s_cpu = new("CPUExecutionProvider", null, null);
    private static readonly ExecutionProvider s_cuda = new("CUDAExecutionProvider", "libonnxruntime_providers_cuda.so", null);
    private static readonly ExecutionProvider s_tensorRT = new("TensorrtExecutionProvider", "libonnxruntime_providers_tensorrt.so", s_cuda);

    /// <summary>The execution provider of a device.</summary>
    public static ExecutionProvider Of(Device device) => device switch
    {
        Device.Cpu => s_cpu,
        Device.Cuda => s_cuda,
        Device.TensorRT => s_tensorRT,
        _ => throw new ArgumentOutOfRangeException(nameof(device), device, "Unknown device."),
    };

    /// <summary>
    /// Options of the CUDA provider. TF32 is its default, but changes logits by up to 6e-3.
    /// </summary>
    public static Dictionary<string, string> CudaOptions(bool allowTf32) => new() { ["use_tf32"] = allowTf32 ? "1" : "0" };

    /// <summary>Why a device cannot compute in float32; null if it can. TensorRT has no option for TF32, only an environment variable for all NVIDIA
    /// libraries.</summary>
    public static string? Float32UnavailableReason(Device device, bool allowTf32, string? variable) =>
        device != Device.TensorRT || allowTf32 || variable == "0" ? null
        : $"it computes float32 in TF32 unless {Tf32Variable}=0 is in the environment when the process starts: set it, or allow TF32 with --allow-tf32";

    /// <inheritdoc cref="Float32UnavailableReason(Device, bool, string?)" />
    public static string? Float32UnavailableReason(Device device, bool allowTf32) => Float32UnavailableReason(device, allowTf32, Environment.GetEnvironmentVariable(Tf32Variable));

    /// <summary>Why the provider is not available, as far as can be checked without a graph; null if it is.</summary>
    public string? UnavailableReason()
    {
        if (!OnnxEnvironment.Get().GetAvailableProviders().Contains(Name))
            return $"this build has no {Name}";
        if (Library is null || !OperatingSystem.IsLinux())
            return null;
        if (Folders().Select(folder => Path.Combine(folder, Library)).FirstOrDefault(File.Exists) is not string path)
            return $"{Library} is not beside the program";
        IReadOnlyList<string> missing = NativeLibraries.Missing(path);
        return missing.Count > 0 ? $"{string.Join(", ", missing)} cannot be loaded: it needs {NativeLibraries.Products(missing)}" : Base?.UnavailableReason();
    }

    /// <summary>Adds the provider, and the one for nodes that it does not support, to session options.</summary>
    public void AddTo(SessionOptions options, bool allowTf32)
    {
        if (this == s_tensorRT)
            options.AppendExecutionProvider_Tensorrt();
        if (this == s_cpu)
            return;
        using var cuda = new OrtCUDAProviderOptions();
        cuda.UpdateOptions(CudaOptions(allowTf32));
        options.AppendExecutionProvider_CUDA(cuda);
    }

    /// <summary>The folders in which .NET looks for native libraries of packages.</summary>
    private static IEnumerable<string> Folders() =>
        [AppContext.BaseDirectory, .. (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)];
}
