using AsArm.Inference.Devices;
using AsArm.Inference.Onnx.Providers;

namespace AsArm.Inference.Tests.Onnx.Providers;

/// <summary>Options of devices in the words of ONNX Runtime 1.31, as its provider libraries have them.</summary>
[TestClass]
public sealed class ProviderConfigurationTests
{
    private static readonly GraphInput[] s_inputs = [new("input_ids", ["batch", "content"]), new("past_key_values.0.key", ["batch", "4", "past", "8"])];

    [TestMethod]
    public void Of_Defaults_AreTheDeviceAndFloat32()
    {
        AssertOptions(Device.Cpu, new());
        AssertOptions(Device.Cuda, new(), "device_id=0", "use_tf32=0", "enable_cuda_graph=1");
        AssertOptions(Device.Cuda.WithId(3), new() { CudaGraphs = false }, "device_id=3", "use_tf32=0");
        AssertOptions(Device.TensorRT, new(), "device_id=0");
        AssertOptions(Device.Provider("OpenVINO"), new());
        AssertOptions(Device.Provider("OpenVINO", 2), new(), "device_id=2");
    }

    [TestMethod]
    public void Of_Cuda_HasAllOfItsOptions()
    {
        var options = new DeviceOptions
        {
            MemoryLimit = 5L << 30,
            ArenaExtendStrategy = ArenaExtendStrategy.SameAsRequested,
            AllowTf32 = true,
            TuneGemm = true,
        };
        AssertOptions(
            Device.Cuda, options,
            "device_id=0", "use_tf32=1", "gpu_mem_limit=5368709120", "arena_extend_strategy=kSameAsRequested", "enable_cuda_graph=1", "session ep.cuda.enable_gemm_auto_tune=1");
    }

    /// <summary>What is of memory and TF32 goes to CUDA, which runs what TensorRT does not; neither captures graphs, as their tensors are in host memory.</summary>
    [TestMethod]
    public void Of_TensorRT_HasAllOfItsOptionsAndCudaBesideIt()
    {
        var options = new DeviceOptions
        {
            MemoryLimit = 1000,
            ArenaExtendStrategy = ArenaExtendStrategy.SameAsRequested,
            AllowTf32 = true,
            Float16 = true,
            EngineCachePath = "engines",
            TimingCachePath = "timings",
            ProfileShapes = new Dictionary<string, SizeRange> { ["batch"] = new(1, 1, 16), ["content"] = new(2, 8, 64), ["past"] = new(0, 128, 528), ["sequence"] = new(1, 1, 1) },
        };
        AssertOptions(
            Device.TensorRT.WithId(1), options,
            "device_id=1", "trt_fp16_enable=1", "trt_engine_cache_enable=1", "trt_engine_cache_path=engines", "trt_timing_cache_enable=1", "trt_timing_cache_path=timings",
            "trt_profile_min_shapes=input_ids:1x2,past_key_values.0.key:1x4x0x8", "trt_profile_opt_shapes=input_ids:1x8,past_key_values.0.key:1x4x128x8",
            "trt_profile_max_shapes=input_ids:16x64,past_key_values.0.key:16x4x528x8");
        CollectionAssert.AreEquivalent(
            new[] { "device_id=1", "use_tf32=1", "gpu_mem_limit=1000", "arena_extend_strategy=kSameAsRequested" },
            ProviderConfiguration.CudaBesideTensorRT(Device.TensorRT.WithId(1), options).Select(option => $"{option.Key}={option.Value}").ToArray());
    }

    /// <summary>Those who name an option by its own name have the last word.</summary>
    [TestMethod]
    public void Of_OptionsByName_WinAndGoToTheSessionWithADot()
    {
        var options = new DeviceOptions
        {
            TuneGemm = true,
            ProviderOptions = new Dictionary<string, string> { ["use_tf32"] = "1", ["prefer_nhwc"] = "1", ["ep.cuda.enable_gemm_auto_tune"] = "0", ["session.x"] = "a=b" },
        };
        AssertOptions(Device.Cuda, options, "device_id=0", "use_tf32=1", "enable_cuda_graph=1", "prefer_nhwc=1", "session ep.cuda.enable_gemm_auto_tune=0", "session session.x=a=b");
        AssertOptions(Device.Provider("Any"), new() { ProviderOptions = new Dictionary<string, string> { ["device_type"] = "GPU" } }, "device_type=GPU");
    }

    [TestMethod]
    public void Of_ProfileWithoutADimension_NamesIt()
    {
        var options = new DeviceOptions { ProfileShapes = new Dictionary<string, SizeRange> { ["batch"] = new(1, 1, 16), ["content"] = new(1, 8, 64) } };
        string message = Assert.ThrowsExactly<ArgumentException>(() => ProviderConfiguration.Of(Device.TensorRT, options, s_inputs)).Message;
        StringAssert.StartsWith(message, "ProfileShapes has no sizes of past, a dimension of past_key_values.0.key.");
    }

    [TestMethod]
    public void Profile_GraphWithoutDynamicDimensions_IsNotThere() =>
        Assert.IsNull(TensorRTProfile.Of([new("a", ["1", "2"]), new("b", [])], new Dictionary<string, SizeRange>()));

    private static void AssertOptions(Device device, DeviceOptions options, params string[] expected)
    {
        options.Validate(device);
        ProviderConfiguration configuration = ProviderConfiguration.Of(device, options, s_inputs);
        CollectionAssert.AreEquivalent(
            expected, configuration.Options.Select(option => $"{option.Key}={option.Value}").Concat(configuration.SessionEntries.Select(entry => $"session {entry.Key}={entry.Value}")).ToArray());
    }
}
