using System.Diagnostics;
using System.Text;

namespace AsArm.Cli.Tests.Support;

/// <summary>The command while it runs: lines go in and out one by one.</summary>
internal sealed class AsarmProcess : IDisposable
{
    /// <summary>Ends a test that hangs; no test depends on it.</summary>
    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(3);

    private const int SigInt = 2;

    private readonly Process _process;
    private readonly Task<string> _error;

    public AsarmProcess(string file, string[] arguments)
    {
        _process = Process.Start(new ProcessStartInfo(file, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = new UTF8Encoding(false),
        })!;
        _error = _process.StandardError.ReadToEndAsync();
    }

    /// <summary>All of standard error, once it has ended.</summary>
    public string Error => _error.WaitAsync(_limit).GetAwaiter().GetResult();

    public void WriteLine(string line)
    {
        _process.StandardInput.Write(line + "\n");
        _process.StandardInput.Flush();
    }

    public void CloseInput() => _process.StandardInput.Close();

    /// <summary>As a reader that stops reading.</summary>
    public void CloseOutput() => _process.StandardOutput.Close();

    /// <summary>Waits for the next line of standard output; null at its end.</summary>
    public string? ReadLine() => _process.StandardOutput.ReadLineAsync().WaitAsync(_limit).GetAwaiter().GetResult();

    /// <summary>As Ctrl-C does. Where the tests run as a background job of a shell, SIGINT is ignored, also by the command, as it should be: the test is inconclusive then.</summary>
    public void Interrupt()
    {
        if (IgnoresInterrupts(_process.Id))
            Assert.Inconclusive("SIGINT is ignored here, as by background jobs of a shell.");
        using Process kill = Process.Start("sh", ["-c", $"kill -INT {_process.Id}"]);
        kill.WaitForExit();
    }

    /// <summary>Known on Linux only.</summary>
    private static bool IgnoresInterrupts(int process)
    {
        string status = $"/proc/{process}/status";
        string? ignored = File.Exists(status) ? File.ReadLines(status).FirstOrDefault(line => line.StartsWith("SigIgn:", StringComparison.Ordinal)) : null;
        return ignored is not null && (Convert.ToUInt64(ignored[7..].Trim(), 16) & 1 << (SigInt - 1)) != 0;
    }

    public void Kill() => _process.Kill();

    /// <summary>Waits for its end.</summary>
    public int ExitCode()
    {
        if (!_process.WaitForExit(_limit))
            Assert.Fail("The command did not end.");
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
    }
}
