using System.Collections.Concurrent;
using System.Diagnostics;

namespace AsArm.Perf.Load;

/// <summary>`asarm serve` as a process of its own, on a free port of the loopback interface.</summary>
internal sealed class ServerProcess : IDisposable
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(2);
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _log = new();
    private bool _isDisposed;

    private ServerProcess(Process process)
    {
        _process = process;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Dispose(); // also where the measurement is interrupted
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is not null)
                _log.Enqueue(line.Data);
        };
        process.BeginErrorReadLine();
        string? first = process.StandardOutput.ReadLine();
        string? address = first?.Split(' ').FirstOrDefault(word => word.StartsWith("http://", StringComparison.Ordinal))?.TrimEnd(',');
        if (address is null)
        {
            process.WaitForExit(); // and for the rest of its standard error
            throw new InvalidOperationException($"The server did not start: {string.Join('\n', _log)}");
        }

        Address = new Uri(address);
    }

    /// <summary>Where it listens.</summary>
    public Uri Address { get; }

    public int Id => _process.Id;

    /// <summary>Whether it has crashed.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>What it has reported as an error: requests that were answered with 500, or would have been.</summary>
    public IReadOnlyList<string> Failures => [.. _log.Where(line => line.StartsWith("fail", StringComparison.Ordinal) || line.StartsWith("crit", StringComparison.Ordinal) || line.StartsWith("Unhandled", StringComparison.Ordinal))];

    /// <summary>Starts it; all clients of a measurement have one address, so that the limit for each client is that of all.</summary>
    /// <param name="model">The model folder.</param>
    /// <exception cref="InvalidOperationException">It was not built, or does not start.</exception>
    public static ServerProcess Start(string model)
    {
        string framework = new DirectoryInfo(AppContext.BaseDirectory).Name, configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
        string command = Path.Combine(Exports.RepositoryRoot(), "src", "Cli", "bin", configuration, framework, OperatingSystem.IsWindows() ? "asarm.exe" : "asarm");
        if (!File.Exists(command))
            throw new InvalidOperationException($"{command} is not there: build src/Cli.");
        var start = new ProcessStartInfo(command, ["serve", "--model", model, "--port", "0"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["ASARM_SERVER__MaxRequestsPerClient"] = "100000", ["ASARM_SERVER__RequestTimeoutSeconds"] = "600" }, // a request of base size may wait for minutes behind 63 others
        };
        return new ServerProcess(Process.Start(start)!);
    }

    /// <summary>Waits until the model is open.</summary>
    public async Task WaitUntilReadyAsync()
    {
        using var client = new HttpClient { BaseAddress = Address };
        while (!HasExited)
        {
            using HttpResponseMessage response = await client.GetAsync("/health");
            if (response.IsSuccessStatusCode)
                return;
            await Task.Delay(50);
        }
    }

    /// <summary>Tells it to stop.</summary>
    /// <returns>The exit code; null if it had to be killed.</returns>
    public int? Stop()
    {
        if (!OperatingSystem.IsWindows() && !HasExited)
        {
            using Process kill = Process.Start("kill", ["-TERM", $"{Id}"]);
            kill.WaitForExit();
        }

        return _process.WaitForExit(OperatingSystem.IsWindows() ? TimeSpan.Zero : s_limit) ? _process.ExitCode : null;
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, true))
            return;
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
    }
}
