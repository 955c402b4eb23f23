using System.Diagnostics;
using AsArm.Inference.Tests.Support;

namespace AsArm.Inference.Tests.Onnx.Providers;

/// <summary>The library together with other uses of ONNX Runtime. Each test starts a process, as a process has one environment.</summary>
[TestClass]
public sealed class OnnxEnvironmentTests
{
    [TestMethod]
    public void Open_EnvironmentOfTheApplication_IsKeptAndLogsNothing() => Assert.AreEqual(("no model\nkept\n", ""), Run("before"));

    /// <summary>Errors of the library are thrown and not logged; those of the application's own sessions are logged as usual.</summary>
    [TestMethod]
    public void Open_BeforeTheApplicationsSessions_KeepsDefaultLogging()
    {
        (string output, string error) = Run("after");
        Assert.AreEqual("no model\nORT_LOGGING_LEVEL_WARNING\nrefused\n", output);
        Assert.StartsWith("application\n", error);
        Assert.Contains("[E:onnxruntime", error);
    }

    [TestMethod]
    public void Open_ManyThreadsAtOnce_Works() => Assert.AreEqual(("opened\n", ""), Run("parallel", Files.Default));

    private static (string Output, string Error) Run(string name, string? folder = null)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "AsArm.Hostile.dll");
        var start = new ProcessStartInfo("dotnet", [program, "environment", name, folder ?? Files.Tiny]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.AreEqual(0, process.ExitCode, error.Result);
        return (output.ReplaceLineEndings("\n"), error.Result.ReplaceLineEndings("\n"));
    }
}
