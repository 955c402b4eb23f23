using System.Text;
using AsArm.Assd.Tests.Support;
using AsArm.Inference.Devices;
using AsArm.Inference.Infilling;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Tests.Support;

namespace AsArm.Inference.Tests.Onnx.Sessions;

/// <summary>Options and missing libraries of the GPU execution providers, as far as they can be tested without a GPU.</summary>
[TestClass]
public sealed class ExecutionProviderTests
{
    [TestMethod]
    public void CudaOptions_UnlessAllowed_DisableTf32()
    {
        Assert.AreEqual("0", ExecutionProvider.CudaOptions(allowTf32: false)["use_tf32"]);
        Assert.AreEqual("1", ExecutionProvider.CudaOptions(allowTf32: true)["use_tf32"]);
    }

    /// <summary>TensorRT has no option for TF32, so it is refused where it would use it unasked.</summary>
    [TestMethod]
    [DataRow(Device.Cpu, false, null, false)]
    [DataRow(Device.Cuda, false, null, false)]
    [DataRow(Device.TensorRT, false, null, true)]
    [DataRow(Device.TensorRT, false, "1", true)]
    [DataRow(Device.TensorRT, false, "0", false)]
    [DataRow(Device.TensorRT, true, null, false)]
    public void Float32UnavailableReason_TensorRT_RequiresVariableOrPermission(Device device, bool allowTf32, string? variable, bool refused)
    {
        string? reason = ExecutionProvider.Float32UnavailableReason(device, allowTf32, variable);
        Assert.AreEqual(refused, reason is not null);
        if (refused)
        {
            Assert.Contains("NVIDIA_TF32_OVERRIDE=0", reason!);
            Assert.Contains("--allow-tf32", reason!);
        }
    }

    [TestMethod]
    public void Open_Tf32OnTheCpu_IsRefused() =>
        Assert.ThrowsExactly<ArgumentException>(() => TextInfiller.Open(Files.Default, new() { AllowTf32 = true }));

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

    [TestMethod]
    public void List_CpuPackage_HasTheCpuOnly() => CollectionAssert.AreEqual(new[] { Device.Cpu }, AvailableDevices.List().ToArray());

    private static string SharedProvider() =>
        Directory.GetFiles(AppContext.BaseDirectory, "libonnxruntime_providers_shared.so", SearchOption.AllDirectories).Single(path => path.Contains("linux-x64", StringComparison.Ordinal));
}
