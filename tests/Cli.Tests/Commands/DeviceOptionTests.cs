using AsArm.Assd.Tests.Support;
using AsArm.Cli.Tests.Support;

namespace AsArm.Cli.Tests.Commands;

/// <summary>Options of devices, as far as they can be tested without a GPU: a device that is not there is an error in one line, never a run on the CPU.</summary>
[TestClass]
public sealed class DeviceOptionTests
{
    private const string Text = "A <mask> day.";

    /// <summary>An option that has no effect is refused, not ignored.</summary>
    [TestMethod]
    [DataRow("infill", Text)]
    [DataRow("score", "A [[fine]] day.")]
    [DataRow("verify")]
    [DataRow("bench")]
    public void Command_OptionOfAnotherDevice_IsRefused(params string[] arguments)
    {
        AsarmCommand.Run([.. arguments, "--allow-tf32"]).IsBadInput("--allow-tf32", "cuda");
        AsarmCommand.Run([.. arguments, "--ep-library", "a.so"]).IsBadInput("--ep-library", "--device");
        AsarmCommand.Run([.. arguments, "--ep-option", "a=1"]).IsBadInput("--ep-option", "--device");
        AsarmCommand.Run([.. arguments, "--engine-cache", "folder", "--device", "cuda"]).IsBadInput("--engine-cache", "tensorrt");
        AsarmCommand.Run([.. arguments, "--allow-tf32", "--device", "OpenVINO"]).IsBadInput("--allow-tf32", "cuda");
    }

    [TestMethod]
    [DataRow("cuda", "CUDAExecutionProvider")]
    [DataRow("cuda:7", "CUDAExecutionProvider")]
    [DataRow("tensorrt", "TensorrtExecutionProvider")]
    public void Infill_DeviceThatTheBuildLacks_IsRefusedWithTheAvailableDevices(string device, string provider)
    {
        foreach (string[] option in new string[][] { [], ["--allow-tf32"], ["--ep-option", "gpu_mem_limit=1000000"] })
            AsarmCommand.Run(["infill", Text, "--device", device, .. option]).IsBadInput($"Device {device} is not available", provider, "Available: cpu.", "AsArmGpu", "asarm info --devices");
        Assert.Contains(line => line.Contains("devices") && line.TrimEnd().EndsWith(" cpu", StringComparison.Ordinal), AsarmCommand.Run("info").Done().OutputLines);
    }

    [TestMethod]
    [DataRow("OpenVINO")]
    [DataRow("WebGpuExecutionProvider:1")]
    public void Infill_UnknownProvider_IsRefusedWithThoseThatThereAre(string device) =>
        AsarmCommand.Run("infill", Text, "--device", device).IsBadInput($"Device {device} is not available", $"no execution provider '{device.Split(':')[0]}'", "CPUExecutionProvider", "--ep-library");

    [TestMethod]
    [DataRow("")]
    [DataRow("cuda:")]
    [DataRow("cuda:x")]
    [DataRow("cuda:-1")]
    [DataRow("cpu:1")]
    [DataRow("my gpu")]
    public void Infill_NoDevice_IsRefused(string device) => AsarmCommand.Run("infill", Text, "--device", device).IsBadInput($"'{device}'", "cuda:1");

    [TestMethod]
    [DataRow("novalue")]
    [DataRow("=1")]
    [DataRow(" =1")]
    [DataRow("")]
    public void Infill_ProviderOptionWithoutNameOrValue_IsRefused(string option) =>
        AsarmCommand.Run("infill", Text, "--device", "cuda", "--ep-option", option).IsBadInput("NAME=VALUE", $"'{option}'");

    [TestMethod]
    public void Infill_ProviderOptionTwice_IsRefused() =>
        AsarmCommand.Run("infill", Text, "--device", "cuda", "--ep-option", "a=1", "--ep-option", "a=2").IsBadInput("--ep-option a", "twice");

    [TestMethod]
    public void Infill_LibraryThatIsNone_IsRefused()
    {
        using var folder = new TemporaryFolder();
        string text = folder.Write("text.so", "no library"u8.ToArray()), none = folder.In("none.so"), other = SharedLibrary();
        foreach (string device in new[] { "cuda", "tensorrt:1", "OpenVINO" })
        {
            foreach ((string library, string reason) in new[] { (text, "is not a library of execution providers"), (none, "there is no file"), (folder.Path, "there is no file"), (other, "CreateEpFactories") })
            {
                AsarmCommand.Run("infill", Text, "--device", device, "--ep-library", library).IsBadInput($"Device {device} is not available", library, reason, "Available: cpu.");
                AsarmCommand.Run("info", "--devices", "--ep-library", library).IsBadInput(library, reason);
            }
        }
    }

    [TestMethod]
    public void Infill_LibraryOfTheEnvironment_IsUsedForOtherDevicesThanTheCpu()
    {
        (string, string)[] environment = [("ASARM_EP_LIBRARY", "/no/such/library.so")];
        AsarmCommand.RunIn(environment, "infill", Text, "--device", "cuda").IsBadInput("/no/such/library.so", "there is no file");
        AsarmCommand.RunIn(environment, "infill", Text, "--device", "cuda", "--ep-library", "/another.so").IsBadInput("/another.so");
        AsarmCommand.RunIn(environment, "info", "--devices").IsBadInput("/no/such/library.so");
        AsarmCommand.RunIn(environment, "infill", Text, "--seed", "1").Done();
    }

    [TestMethod]
    public void Bench_WriteForAnotherProvider_IsRefused() => AsarmCommand.Run("bench", "--write", "--device", "OpenVINO").IsBadInput("--write", "cuda");

    [TestMethod]
    public void InfoDevices_CpuPackage_SaysWhatIsMissingAndWhatHasIt()
    {
        AsarmResult result = AsarmCommand.Run("info", "--devices").Done();
        Assert.AreEqual("", result.Error);
        Assert.StartsWith("ONNX Runtime 1.", result.Output);
        Assert.Contains(line => line.Contains(" cpu ") && line.Contains("CPUExecutionProvider") && line.Contains("this build") && line.Contains(" available"), result.OutputLines);
        foreach ((string device, string provider) in new[] { ("cuda", "CUDAExecutionProvider"), ("tensorrt", "TensorrtExecutionProvider") })
        {
            Assert.Contains(line => line.Contains($" {device} ") && line.Contains(provider) && line.Contains("not available"), result.OutputLines);
            Assert.Contains(line => line.StartsWith($"{device}: ", StringComparison.Ordinal) && line.Contains("Microsoft.ML.OnnxRuntime.Gpu") && line.Contains("--ep-library"), result.OutputLines);
        }

        Assert.Contains(line => line.Contains("processor"), result.OutputLines);
    }

    [TestMethod]
    public void Info_OptionsThatDoNotGoTogether_AreRefused()
    {
        AsarmCommand.Run("info", "--devices", "--model", Models.Text).IsBadInput("--devices", "--model");
        AsarmCommand.Run("info", "--ep-library", "a.so").IsBadInput("--ep-library", "--devices");
    }

    /// <summary>A library that is one, but not of execution providers.</summary>
    private static string SharedLibrary()
    {
        string name = OperatingSystem.IsWindows() ? "onnxruntime_providers_shared.dll" : OperatingSystem.IsMacOS() ? "libonnxruntime.dylib" : "libonnxruntime_providers_shared.so";
        string rid = System.Runtime.InteropServices.RuntimeInformation.RuntimeIdentifier;
        return Directory.GetFiles(AppContext.BaseDirectory, name, SearchOption.AllDirectories).First(path => path.Contains(rid, StringComparison.Ordinal));
    }
}
