using System.Text;
using AsArm.Assd.Tests.Support;
using AsArm.Inference.Devices;
using AsArm.Inference.Infilling;
using AsArm.Inference.Onnx.Providers;
using AsArm.Inference.Tests.Support;

namespace AsArm.Inference.Tests.Onnx.Providers;

/// <summary>Options and missing libraries of the GPU execution providers, as far as they can be tested without a GPU.</summary>
[TestClass]
public sealed class ExecutionProviderTests
{
    /// <summary>TensorRT has no option for TF32, so it is refused where it would use it unasked.</summary>
    [TestMethod]
    [DataRow("cpu", false, false, null, false)]
    [DataRow("cuda", false, false, null, false)]
    [DataRow("tensorrt", false, false, null, true)]
    [DataRow("tensorrt:1", false, false, "1", true)]
    [DataRow("tensorrt", false, false, "0", false)]
    [DataRow("tensorrt", true, false, null, false)]
    [DataRow("tensorrt", false, true, null, false)]
    public void Float32UnavailableReason_TensorRT_RequiresVariableOrPermission(string device, bool allowTf32, bool float16, string? variable, bool refused)
    {
        string? reason = ExecutionProvider.Float32UnavailableReason(Device.Parse(device), new DeviceOptions { AllowTf32 = allowTf32, Float16 = float16 }, variable);
        Assert.AreEqual(refused, reason is not null);
        if (refused)
        {
            Assert.Contains("NVIDIA_TF32_OVERRIDE=0", reason!);
            Assert.Contains("--allow-tf32", reason!);
        }
    }

    [TestMethod]
    public void Open_Tf32OnTheCpu_IsRefused() =>
        Assert.ThrowsExactly<ArgumentException>(() => TextInfiller.Open(Files.Default, new() { DeviceOptions = new() { AllowTf32 = true } }));

    [TestMethod]
    [OSCondition(OperatingSystems.Linux)]
    public void Missing_LibraryOfTheCpuPackage_IsEmpty()
    {
        CollectionAssert.Contains(NativeLibraries.NeededBy(SharedProvider()).ToArray(), "libstdc++.so.6");
        Assert.IsEmpty(NativeLibraries.Missing(SharedProvider()));
    }

    /// <summary>A copy that depends on a library which does not exist.</summary>
    [TestMethod]
    [OSCondition(OperatingSystems.Linux)]
    public void Missing_MissingDependency_NamesIt()
    {
        using var folder = new TemporaryFolder();
        byte[] content = File.ReadAllBytes(SharedProvider());
        Encoding.ASCII.GetBytes("libnvinfer.so.").CopyTo(content, content.AsSpan().IndexOf("libstdc++.so.6\0"u8));
        File.WriteAllBytes(folder.In("copy.so"), content);
        CollectionAssert.AreEqual(new[] { "libnvinfer.so." }, NativeLibraries.Missing(folder.In("copy.so")).ToArray());
        Assert.IsEmpty(NativeLibraries.NeededBy(Path.Combine(Files.Tiny, "asarm.json")));
    }

    [TestMethod]
    public void Products_NvidiaLibraries_AreTheProductsToInstall()
    {
        Assert.AreEqual("CUDA 13, TensorRT 10, cuDNN 9", NativeLibraries.Products(["libcublas.so.13", "libnvinfer.so.10", "libnvonnxparser.so.10", "libcudart.so.13", "libcudnn.so.9"]));
        Assert.AreEqual("the NVIDIA driver, cuRAND of CUDA", NativeLibraries.Products(["libcuda.so.1", "libcurand.so.10"]));
    }

    /// <summary>A file that ends within its header or its tables is no reason to crash.</summary>
    [TestMethod]
    [OSCondition(OperatingSystems.Linux)]
    [DataRow(0)]
    [DataRow(10)]
    [DataRow(64)]
    [DataRow(5000)]
    public void Missing_TruncatedLibrary_IsEmpty(int length)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.In("part.so"), File.ReadAllBytes(SharedProvider())[..length]);
        Assert.IsEmpty(NativeLibraries.Missing(folder.In("part.so")));
    }

    /// <summary>Libraries number their devices, or have them in order.</summary>
    [TestMethod]
    public void IndexOf_DevicesOfALibrary_GoesByTheirNumber()
    {
        Assert.AreEqual(1, ExecutionProvider.IndexOf(["1", "0"], 0));
        Assert.AreEqual(-1, ExecutionProvider.IndexOf(["1", "0"], 2));
        Assert.AreEqual(1, ExecutionProvider.IndexOf([null, null], 1));
        Assert.AreEqual(-1, ExecutionProvider.IndexOf([null, null], 2));
        Assert.AreEqual(-1, ExecutionProvider.IndexOf([], 0));
    }

    [TestMethod]
    public void Of_TensorRT_HasCudaOfTheSameNumberBesideIt() =>
        Assert.AreEqual(Device.Parse("cuda:2"), ExecutionProvider.Of(Device.Parse("tensorrt:2")).Base!.Device);

    [TestMethod]
    public void List_CpuPackage_HasTheCpuOnly() => CollectionAssert.AreEqual(new[] { Device.Cpu }, AvailableDevices.List().ToArray());

    private static string SharedProvider() =>
        Directory.GetFiles(AppContext.BaseDirectory, "libonnxruntime_providers_shared.so", SearchOption.AllDirectories).Single(path => path.Contains("linux-x64", StringComparison.Ordinal));
}
