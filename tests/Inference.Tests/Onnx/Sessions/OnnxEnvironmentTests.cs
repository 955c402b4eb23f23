using System.Diagnostics;
using AsArm.Inference.Tests.Support;

namespace AsArm.Inference.Tests.Onnx.Sessions;

/// <summary>The library beside other users of ONNX Runtime, in a process of its own: there is one environment in each.</summary>
[TestClass]
public sealed class OnnxEnvironmentTests
{
    [TestMethod]
    public void Open_WithTheApplicationsEnvironment_KeepsItAndLogsNothing() => Assert.AreEqual(("no model\nkept\n", ""), Run("before"));

    /// <summary>The library's own errors are thrown and not logged, those of the application's sessions are logged as if there were no library.</summary>
    [TestMethod]
    public void Open_BeforeTheApplicationsSessions_LeavesTheUsualLogging()
    {
        (string output, string error) = Run("after");
        Assert.AreEqual("no model\nORT_LOGGING_LEVEL_WARNING\nrefused\n", output);
        Assert.StartsWith("application\n", error);
        Assert.Contains("[E:onnxruntime", error);
    }

    [TestMethod]
    public void Open_ByManyThreadsAtOnce_Works() => Assert.AreEqual(("opened\n", ""), Run("parallel", Files.Default));

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
