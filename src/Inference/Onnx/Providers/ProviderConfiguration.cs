using System.Globalization;
using AsArm.Inference.Devices;

namespace AsArm.Inference.Onnx.Providers;

/// <summary><see cref="DeviceOptions" /> in the words of ONNX Runtime.</summary>
/// <param name="Options">Options of the execution provider.</param>
/// <param name="SessionEntries">Entries of the session's configuration.</param>
internal sealed record ProviderConfiguration(IReadOnlyDictionary<string, string> Options, IReadOnlyDictionary<string, string> SessionEntries)
{
    /// <summary>The configuration of a device's own provider.</summary>
    /// <param name="device">The device.</param>
    /// <param name="options">Valid options of it.</param>
    /// <param name="inputs">The inputs of the graph that it will run.</param>
    /// <exception cref="ArgumentException">The shapes of TensorRT's profile lack a dimension.</exception>
    public static ProviderConfiguration Of(Device device, DeviceOptions options, IReadOnlyList<GraphInput> inputs)
    {
        Dictionary<string, string> entries = [], provider = device.Name switch
        {
            Device.CpuName => [],
            Device.CudaName => Cuda(device, options, hasGraphs: options.CudaGraphs),
            Device.TensorRTName => TensorRT(device, options, inputs),
            _ => device.Id == 0 ? [] : new() { ["device_id"] = Number(device.Id) },
        };
        if (options.TuneGemm)
            entries["ep.cuda.enable_gemm_auto_tune"] = "1";
        foreach ((string name, string value) in options.ProviderOptions)
            (name.Contains('.', StringComparison.Ordinal) ? entries : provider)[name] = value;
        return new(provider, entries);
    }

    /// <summary>The options of CUDA beside TensorRT, for the nodes that TensorRT does not support.</summary>
    public static Dictionary<string, string> CudaBesideTensorRT(Device device, DeviceOptions options) => Cuda(device, options, hasGraphs: false);

    /// <summary>TF32 is the provider's default, but changes logits by up to 6e-3.</summary>
    private static Dictionary<string, string> Cuda(Device device, DeviceOptions options, bool hasGraphs)
    {
        var names = new Dictionary<string, string> { ["device_id"] = Number(device.Id), ["use_tf32"] = options.AllowTf32 ? "1" : "0" };
        if (options.MemoryLimit is long bytes)
            names["gpu_mem_limit"] = Number(bytes);
        if (options.ArenaExtendStrategy == ArenaExtendStrategy.SameAsRequested)
            names["arena_extend_strategy"] = "kSameAsRequested";
        if (hasGraphs)
            names["enable_cuda_graph"] = "1";
        return names;
    }

    private static Dictionary<string, string> TensorRT(Device device, DeviceOptions options, IReadOnlyList<GraphInput> inputs)
    {
        var names = new Dictionary<string, string> { ["device_id"] = Number(device.Id) };
        if (options.Float16)
            names["trt_fp16_enable"] = "1";
        if (options.EngineCachePath is not null)
            (names["trt_engine_cache_enable"], names["trt_engine_cache_path"]) = ("1", options.EngineCachePath);
        if (options.TimingCachePath is not null)
            (names["trt_timing_cache_enable"], names["trt_timing_cache_path"]) = ("1", options.TimingCachePath);
        if (options.ProfileShapes.Count > 0 && TensorRTProfile.Of(inputs, options.ProfileShapes) is TensorRTProfile profile)
            (names["trt_profile_min_shapes"], names["trt_profile_opt_shapes"], names["trt_profile_max_shapes"]) = (profile.Min, profile.Opt, profile.Max);
        return names;
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
