using AsArm.Cli.Tests.Support;

namespace AsArm.Cli.Tests.Commands;

/// <summary>Options of devices, as far as they can be tested without a GPU.</summary>
[TestClass]
public sealed class DeviceOptionTests
{
    /// <summary>An option that has no effect is refused, not ignored.</summary>
    [TestMethod]
    [DataRow("infill", "A <mask> day.")]
    [DataRow("score", "A [[fine]] day.")]
    [DataRow("verify")]
    [DataRow("bench")]
    public void Command_Tf32OnTheCpu_IsRefused(params string[] arguments) =>
        AsarmCommand.Run([.. arguments, "--allow-tf32"]).IsBadInput("--allow-tf32", "cuda");

    [TestMethod]
    [DataRow("cuda", "CUDAExecutionProvider")]
    [DataRow("tensorrt", "TensorrtExecutionProvider")]
    public void Infill_DeviceThatTheBuildLacks_IsRefusedWithTheAvailableDevices(string device, string provider)
    {
        foreach (string[] option in new string[][] { [], ["--allow-tf32"] })
            AsarmCommand.Run(["infill", "A <mask> day.", "--device", device, .. option]).IsBadInput(device, provider, "Available: cpu.", "AsArmGpu");
        Assert.Contains(line => line.Contains("devices") && line.TrimEnd().EndsWith(" cpu", StringComparison.Ordinal), AsarmCommand.Run("info").Done().OutputLines);
    }
}
