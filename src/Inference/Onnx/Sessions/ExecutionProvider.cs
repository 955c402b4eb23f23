using AsArm.Inference.Devices;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Onnx.Sessions;

/// <summary>What ONNX Runtime runs a device's part of a graph with: whether it can, and how it is set up.</summary>
/// <param name="Name">ONNX Runtime's name of it.</param>
/// <param name="Library">The file of the native package that holds it; null where it is in the main library.</param>
/// <param name="Base">What runs the nodes that it does not take; null for the CPU.</param>
internal sealed record ExecutionProvider(string Name, string? Library, ExecutionProvider? Base)
{
    private const string Tf32Switch = "NVIDIA_TF32_OVERRIDE";

    private static readonly ExecutionProvider s_cpu = new("CPUExecutionProvider", null, null);
    private static readonly ExecutionProvider s_cuda = new("CUDAExecutionProvider", "libonnxruntime_providers_cuda.so", null);
    private static readonly ExecutionProvider s_tensorRT = new("TensorrtExecutionProvider", "libonnxruntime_providers_tensorrt.so", s_cuda);

    /// <summary>That of a device.</summary>
    public static ExecutionProvider Of(Device device) => device switch
    {
        Device.Cpu => s_cpu,
        Device.Cuda => s_cuda,
        Device.TensorRT => s_tensorRT,
        _ => throw new ArgumentOutOfRangeException(nameof(device), device, "No such device."),
    };

    /// <summary>
    /// Settings of the CUDA provider. Matrix products in TF32 are off by up to 6e-3 in the logits, and on unless it is told otherwise.
    /// </summary>
    public static Dictionary<string, string> CudaOptions(bool allowTf32) => new() { ["use_tf32"] = allowTf32 ? "1" : "0" };

    /// <summary>Why a graph of float32 products cannot be had from TensorRT; null if it can. It has no setting of its own for TF32, only a variable for all of NVIDIA's libraries.</summary>
    public static string? WhyNoFloat32(Device device, bool allowTf32, string? variable) =>
        device != Device.TensorRT || allowTf32 || variable == "0" ? null
        : $"it computes float32 in TF32 unless {Tf32Switch}=0 is in the environment when the process starts: set it, or allow TF32 with --allow-tf32";

    /// <inheritdoc cref="WhyNoFloat32(Device, bool, string?)" />
    public static string? WhyNoFloat32(Device device, bool allowTf32) => WhyNoFloat32(device, allowTf32, Environment.GetEnvironmentVariable(Tf32Switch));

    /// <summary>Why it cannot be opened, as far as can be told without a graph; null if it can.</summary>
    public string? WhyNot()
    {
        if (!OnnxEnvironment.Get().GetAvailableProviders().Contains(Name))
            return $"this build has no {Name}";
        if (Library is null || !OperatingSystem.IsLinux())
            return null;
        if (Folders().Select(folder => Path.Combine(folder, Library)).FirstOrDefault(File.Exists) is not string path)
            return $"{Library} is not beside the program";
        IReadOnlyList<string> missing = NativeLibraries.Missing(path);
        return missing.Count > 0 ? $"{string.Join(", ", missing)} cannot be loaded: it needs {NativeLibraries.Products(missing)}" : Base?.WhyNot();
    }

    /// <summary>Adds it, and what runs the nodes that it does not take, to the settings of a session.</summary>
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

    /// <summary>Where the runtime of .NET looks for native libraries of packages.</summary>
    private static IEnumerable<string> Folders() =>
        [AppContext.BaseDirectory, .. (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)];
}
