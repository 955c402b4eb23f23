using System.Diagnostics;
using System.Runtime.InteropServices;

namespace AsArm.Perf.Startup;

/// <summary>A published program and its arguments, whose first line of output is waited for.</summary>
/// <param name="Path">The executable.</param>
/// <param name="Arguments">Its arguments.</param>
internal sealed record StartupProgram(string Path, IReadOnlyList<string> Arguments)
{
    /// <summary>Publishes a project for this platform, as applications are: framework-dependent, compiled ahead of time or not.</summary>
    /// <param name="project">Folder of the project below the root of the checkout.</param>
    /// <param name="name">Name of the executable.</param>
    /// <param name="output">Folder for everything that is built.</param>
    /// <param name="readyToRun">Whether the program's and its libraries' code is compiled ahead of time.</param>
    /// <param name="arguments">Arguments of the program.</param>
    /// <exception cref="InvalidOperationException">It could not be built.</exception>
    public static StartupProgram Publish(string project, string name, string output, bool readyToRun, params string[] arguments)
    {
        string folder = System.IO.Path.Combine(output, $"{name}-{(readyToRun ? "r2r" : "jit")}");
        string[] command =
        [
            "publish", System.IO.Path.Combine(Exports.RepositoryRoot(), project), "-c", "Release", "-r", RuntimeInformation.RuntimeIdentifier, "--no-self-contained",
            $"-p:PublishReadyToRun={readyToRun}", "--artifacts-path", System.IO.Path.Combine(output, "artifacts"), "-o", folder, "-v", "quiet",
        ];
        using Process build = Process.Start(new ProcessStartInfo("dotnet", command) { RedirectStandardOutput = true })!;
        string printed = build.StandardOutput.ReadToEnd();
        build.WaitForExit();
        return build.ExitCode == 0
            ? new(System.IO.Path.Combine(folder, name + (OperatingSystem.IsWindows() ? ".exe" : "")), arguments)
            : throw new InvalidOperationException($"{project} could not be published:\n{printed}");
    }

    /// <summary>Milliseconds from the start of the process to its first line of output.</summary>
    /// <exception cref="InvalidOperationException">The program failed.</exception>
    public double Measure()
    {
        long start = Stopwatch.GetTimestamp();
        using Process process = Process.Start(new ProcessStartInfo(Path, Arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        string? line = process.StandardOutput.ReadLine();
        double elapsed = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 && line is not null ? elapsed : throw new InvalidOperationException($"{Path} failed: {error}");
    }
}
