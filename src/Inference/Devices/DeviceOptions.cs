using System.Collections.ObjectModel;

namespace AsArm.Inference.Devices;

/// <summary>
/// How a device is set up. An option that a device does not have is refused when the model is opened: the CPU has none, CUDA those up to
/// <see cref="TuneGemm" />, TensorRT all but that one and <see cref="CudaGraphs" />, other execution providers <see cref="ProviderLibrary" /> and <see cref="ProviderOptions" /> only.
/// </summary>
public sealed record DeviceOptions
{
    /// <summary>The environment variable that names a library of execution providers where <see cref="ProviderLibrary" /> does not.</summary>
    public const string LibraryVariable = "ASARM_EP_LIBRARY";

    /// <summary>
    /// Path of a library of execution providers (a plugin) that is registered with ONNX Runtime and has to provide the device; null for that of the
    /// environment variable <see cref="LibraryVariable" />, else what the application's package of ONNX Runtime has.
    /// </summary>
    public string? ProviderLibrary { get; set; }

    /// <summary>
    /// Options of the execution provider in its own words, which win over the others here. A name with a dot, such as ep.cuda.enable_gemm_auto_tune, is
    /// one of the session's configuration.
    /// </summary>
    public IReadOnlyDictionary<string, string> ProviderOptions { get; set; } = ReadOnlyDictionary<string, string>.Empty;

    /// <summary>Limit of ONNX Runtime's arena of device memory in bytes (gpu_mem_limit); null for all of the device.</summary>
    public long? MemoryLimit { get; set; }

    /// <summary>How the arena grows (arena_extend_strategy).</summary>
    public ArenaExtendStrategy ArenaExtendStrategy { get; set; } = ArenaExtendStrategy.NextPowerOfTwo;

    /// <summary>Lets a GPU use TF32 for float32 matrix products (use_tf32): faster, but logits differ by up to 6e-3.</summary>
    public bool AllowTf32 { get; set; }

    /// <summary>
    /// Whether forward passes of equal shapes are captured as CUDA graphs and replayed (enable_cuda_graph), which makes them several times faster. CUDA only,
    /// and only for folders of format 3 on.
    /// </summary>
    public bool CudaGraphs { get; set; } = true;

    /// <summary>Times the kernels for float16 products once per shape and takes the fastest (ep.cuda.enable_gemm_auto_tune). CUDA only.</summary>
    public bool TuneGemm { get; set; }

    /// <summary>Whether TensorRT computes a float32 model in float16 where that is faster (trt_fp16_enable). TensorRT only, as all that follows.</summary>
    public bool Float16 { get; set; }

    /// <summary>The folder in which built engines are kept (trt_engine_cache_path), which take minutes to build; null to build them in each process.</summary>
    public string? EngineCachePath { get; set; }

    /// <summary>The folder in which timings of kernels are kept (trt_timing_cache_path), which make building faster; null for none.</summary>
    public string? TimingCachePath { get; set; }

    /// <summary>
    /// The sizes for which an engine is built, by the name of the dimension: batch, content, targets and past of model_cached.onnx, batch, sequence and
    /// targets of model.onnx. Empty to build it for the sizes that come, and again for each that is beyond.
    /// </summary>
    public IReadOnlyDictionary<string, SizeRange> ProfileShapes { get; set; } = ReadOnlyDictionary<string, SizeRange>.Empty;

    /// <summary>Throws unless all values are in range and options of the device.</summary>
    /// <exception cref="ArgumentException">Names the option.</exception>
    internal void Validate(Device device)
    {
        RequireRanges();
        foreach ((string name, bool isSet, bool isThere) in Uses(device))
        {
            if (isSet && !isThere)
                throw new ArgumentException($"{name} is not an option of the device {device}.", nameof(device));
        }
    }

    private void RequireRanges()
    {
        if (MemoryLimit is <= 0)
            throw new ArgumentOutOfRangeException(nameof(MemoryLimit), MemoryLimit, "It must be positive.");
        if (!Enum.IsDefined(ArenaExtendStrategy))
            throw new ArgumentOutOfRangeException(nameof(ArenaExtendStrategy), ArenaExtendStrategy, "It is not a strategy.");
        if (ProviderOptions.Any(option => string.IsNullOrWhiteSpace(option.Key) || option.Value is null))
            throw new ArgumentException("It has an option without a name or a value.", nameof(ProviderOptions));
        foreach ((string name, SizeRange range) in ProfileShapes)
        {
            if (!range.IsValid)
                throw new ArgumentException($"{name} must have 0 <= Min <= Opt <= Max, and Max positive.", nameof(ProfileShapes));
        }
    }

    private IEnumerable<(string Name, bool IsSet, bool IsThere)> Uses(Device device)
    {
        bool cuda = device.Name == Device.CudaName, tensorRT = device.Name == Device.TensorRTName, any = device != Device.Cpu;
        yield return (nameof(ProviderLibrary), ProviderLibrary is not null, any);
        yield return (nameof(ProviderOptions), ProviderOptions.Count > 0, any);
        yield return (nameof(MemoryLimit), MemoryLimit is not null, cuda || tensorRT);
        yield return (nameof(ArenaExtendStrategy), ArenaExtendStrategy != ArenaExtendStrategy.NextPowerOfTwo, cuda || tensorRT);
        yield return (nameof(AllowTf32), AllowTf32, cuda || tensorRT);
        yield return (nameof(CudaGraphs), !CudaGraphs, cuda);
        yield return (nameof(TuneGemm), TuneGemm, cuda);
        yield return (nameof(Float16), Float16, tensorRT);
        yield return (nameof(EngineCachePath), EngineCachePath is not null, tensorRT);
        yield return (nameof(TimingCachePath), TimingCachePath is not null, tensorRT);
        yield return (nameof(ProfileShapes), ProfileShapes.Count > 0, tensorRT);
    }
}
