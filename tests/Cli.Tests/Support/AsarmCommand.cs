using System.Diagnostics;
using System.Runtime.InteropServices;
using AsArm.Cli.Streams;

namespace AsArm.Cli.Tests.Support;

/// <summary>
/// Runs the command: in this process where arguments, input and output are all that matters; as a process of its own, with the runtime that
/// the tests run on, for what only a process has.
/// </summary>
internal static class AsarmCommand
{
    /// <summary>Ends a test that hangs; no test depends on it.</summary>
    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(5);

    public static string Assembly { get; } = Path.Combine(AppContext.BaseDirectory, "asarm.dll");

    public static string Host { get; } = Path.GetFullPath(
        Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet"));

    public static AsarmResult Run(params string[] arguments) => RunOn([], arguments);

    /// <summary>Another copy of the command.</summary>
    public static AsarmResult RunCopy(string assembly, params string[] arguments) => Start(Host, [], [], [assembly, .. arguments]);

    /// <summary>With bytes on standard input.</summary>
    public static AsarmResult RunOn(byte[] input, params string[] arguments)
    {
        using MemoryStream output = new(), error = new();
        return new AsarmResult(RunOn(input, output, error, arguments), output.ToArray(), error.ToArray());
    }

    /// <summary>With the small model that has a tokenizer, for what depends neither on the words nor on their distribution.</summary>
    public static AsarmResult RunSmall(params string[] arguments) => RunSmallOn([], arguments);

    /// <inheritdoc cref="RunSmall" />
    public static AsarmResult RunSmallOn(byte[] input, params string[] arguments) =>
        RunOn(input, WithSmallModel(arguments));

    /// <summary>The arguments of a command, with the option that names the small model.</summary>
    public static string[] WithSmallModel(string[] arguments) => [arguments[0], "--model", Models.Text, .. arguments[1..]];

    /// <summary>With other streams in place of standard output and standard error.</summary>
    /// <returns>The exit code.</returns>
    public static int RunOn(byte[] input, Stream output, Stream error, params string[] arguments)
    {
        var streams = CommandStreams.Of(() => new MemoryStream(input), output, error);
        return Task.Run(() => AsarmProgram.RunAsync(arguments, streams)).WaitAsync(_limit).GetAwaiter().GetResult();
    }

    /// <summary>As a process of its own.</summary>
    public static AsarmResult RunAsProcess(params string[] arguments) => RunIn([], arguments);

    /// <summary>As a process, with additional environment variables.</summary>
    public static AsarmResult RunIn((string Name, string Value)[] environment, params string[] arguments) => Start(Host, [], environment, [Assembly, .. arguments]);

    /// <summary>With a TEXT of any bytes, which printf makes of octal escapes.</summary>
    public static AsarmResult RunOnRawText(string command, string printfFormat) =>
        Start("sh", [], [], ["-c", """exec "$0" "$1" "$2" "$(printf "$3")" """, Host, Assembly, command, printfFormat]);

    /// <summary>Through a shell, with redirections; $F and the like name files.</summary>
    /// <param name="redirections">What stands behind the command in the shell.</param>
    /// <param name="files">Variables.</param>
    /// <param name="arguments">Of the command.</param>
    public static AsarmResult RunRedirected(string redirections, (string Name, string Value)[] files, params string[] arguments) =>
        Start("sh", [], files, ["-c", $"exec \"$@\" {redirections}", "sh", Host, Assembly, .. arguments]);

    /// <summary>In another working directory.</summary>
    public static AsarmResult RunInFolder(string folder, params string[] arguments) =>
        Start("sh", [], [], ["-c", "cd \"$0\" && exec \"$@\"", folder, Host, Assembly, .. arguments]);

    /// <summary>A script without the command.</summary>
    public static AsarmResult Shell(string script, (string Name, string Value)[] files) => Start("sh", [], files, ["-c", script]).Done();

    /// <summary>Leaves the command running.</summary>
    public static AsarmProcess Open(params string[] arguments) => new(Host, [Assembly, .. arguments]);

    private static AsarmResult Start(string file, byte[] input, (string Name, string Value)[] environment, string[] arguments)
    {
        var start = new ProcessStartInfo(file, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string name, string value) in environment)
            start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        Task<byte[]> output = ReadAsync(process.StandardOutput.BaseStream), error = ReadAsync(process.StandardError.BaseStream);
        WriteInput(process, input);
        if (!process.WaitForExit(_limit))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"asarm {string.Join(' ', arguments)} did not end.");
        }

        return new AsarmResult(process.ExitCode, output.GetAwaiter().GetResult(), error.GetAwaiter().GetResult());
    }

    private static void WriteInput(Process process, byte[] input)
    {
        try
        {
            process.StandardInput.BaseStream.Write(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // The command ended without reading its input, as it does for bad options.
        }
    }

    private static async Task<byte[]> ReadAsync(Stream stream)
    {
        using var bytes = new MemoryStream();
        await stream.CopyToAsync(bytes);
        return bytes.ToArray();
    }
}
