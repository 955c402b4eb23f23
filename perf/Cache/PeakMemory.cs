using System.Diagnostics;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Cached;

namespace AsArm.Perf.Cache;

/// <summary>The peak memory of a run at base size, in a process of its own: load, a prompt, twenty tokens.</summary>
internal static class PeakMemory
{
    public const string Argument = "--peak-memory";

    /// <summary>In the child process: prints its peak in bytes.</summary>
    public static int RunChild(string folder, int length)
    {
        using CachedOnnxModel model = CachedOnnxModel.Open(ModelFolder.Open(folder));
        using var decoding = new Decoding(model, length, batch: 1, sequential: false);
        decoding.WarmUp(20);
        using var self = Process.GetCurrentProcess();
        Console.WriteLine(self.PeakWorkingSet64);
        return 0;
    }

    /// <summary>The peak of a child process, in bytes.</summary>
    public static long Measure(string folder, int length) => long.Parse(Child("cache", Argument, folder, $"{length}"));

    /// <summary>What this program prints when it runs once more with these arguments.</summary>
    public static string Child(params string[] arguments)
    {
        using Process child = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [.. Dotnet(), .. arguments]) { RedirectStandardOutput = true })!;
        string output = child.StandardOutput.ReadToEnd();
        child.WaitForExit();
        return child.ExitCode == 0 ? output.Trim() : throw new InvalidOperationException($"The child process ended with {child.ExitCode}.");
    }

    /// <summary>Under `dotnet AsArm.Perf.dll` the process is dotnet and needs the name of the program.</summary>
    private static string[] Dotnet() =>
        Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? [Path.Combine(AppContext.BaseDirectory, "AsArm.Perf.dll")] : [];
}
