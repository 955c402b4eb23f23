using AsArm.Inference.Devices;
using AsArm.Inference.Infilling;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx;
using AsArm.Inference.Tests.Support;

namespace AsArm.Inference.Tests.Devices;

/// <summary>An option that a device does not have is refused, not ignored.</summary>
[TestClass]
public sealed class DeviceOptionsTests
{
    private static readonly Dictionary<string, DeviceOptions> s_options = new()
    {
        ["ProviderLibrary"] = new() { ProviderLibrary = "a.so" },
        ["ProviderOptions"] = new() { ProviderOptions = new Dictionary<string, string> { ["a"] = "1" } },
        ["MemoryLimit"] = new() { MemoryLimit = 1 },
        ["ArenaExtendStrategy"] = new() { ArenaExtendStrategy = ArenaExtendStrategy.SameAsRequested },
        ["AllowTf32"] = new() { AllowTf32 = true },
        ["CudaGraphs"] = new() { CudaGraphs = false },
        ["TuneGemm"] = new() { TuneGemm = true },
        ["Float16"] = new() { Float16 = true },
        ["EngineCachePath"] = new() { EngineCachePath = "engines" },
        ["TimingCachePath"] = new() { TimingCachePath = "timings" },
        ["ProfileShapes"] = new() { ProfileShapes = new Dictionary<string, SizeRange> { ["batch"] = new(1, 1, 16) } },
    };

    [TestMethod]
    [DataRow("cpu")]
    [DataRow("OpenVINO", "ProviderLibrary", "ProviderOptions")]
    [DataRow("cuda:1", "ProviderLibrary", "ProviderOptions", "MemoryLimit", "ArenaExtendStrategy", "AllowTf32", "CudaGraphs", "TuneGemm")]
    [DataRow("tensorrt", "ProviderLibrary", "ProviderOptions", "MemoryLimit", "ArenaExtendStrategy", "AllowTf32", "Float16", "EngineCachePath", "TimingCachePath", "ProfileShapes")]
    public void Validate_OptionsThatADeviceLacks_AreRefused(string name, params string[] had)
    {
        Device device = Device.Parse(name);
        new DeviceOptions().Validate(device);
        foreach ((string option, DeviceOptions options) in s_options)
        {
            if (had.Contains(option))
                options.Validate(device);
            else
                StringAssert.StartsWith(Assert.ThrowsExactly<ArgumentException>(() => options.Validate(device)).Message, $"{option} is not an option of the device {name}.");
        }
    }

    [TestMethod]
    public void Validate_ValueOutOfRange_NamesTheOption()
    {
        Assert.AreEqual("MemoryLimit", Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new DeviceOptions { MemoryLimit = 0 }.Validate(Device.Cuda)).ParamName);
        Assert.AreEqual("ArenaExtendStrategy", Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new DeviceOptions { ArenaExtendStrategy = (ArenaExtendStrategy)7 }.Validate(Device.Cuda)).ParamName);
        Assert.AreEqual("ProviderOptions", Assert.ThrowsExactly<ArgumentException>(() => new DeviceOptions { ProviderOptions = new Dictionary<string, string> { [" "] = "1" } }.Validate(Device.Cuda)).ParamName);
        foreach (SizeRange range in new SizeRange[] { new(2, 1, 3), new(1, 4, 3), new(-1, 1, 1), new(0, 0, 0) })
        {
            var options = new DeviceOptions { ProfileShapes = new Dictionary<string, SizeRange> { ["batch"] = range } };
            Assert.AreEqual("ProfileShapes", Assert.ThrowsExactly<ArgumentException>(() => options.Validate(Device.TensorRT)).ParamName);
        }
    }

    /// <summary>Before anything is opened.</summary>
    [TestMethod]
    public void Open_OptionOfAnotherDevice_IsRefused()
    {
        Assert.ThrowsExactly<ArgumentException>(() => TextInfiller.Open("no/such/folder", new() { DeviceOptions = s_options["TuneGemm"] }));
        Assert.ThrowsExactly<ArgumentException>(() => OnnxModelLoader.Open(ModelFolder.Open(Files.Tiny), deviceOptions: s_options["MemoryLimit"]));
    }
}
