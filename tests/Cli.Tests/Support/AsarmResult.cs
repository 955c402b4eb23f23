using System.Text;
using System.Text.Json;

namespace AsArm.Cli.Tests.Support;

/// <summary>What a run of the command left behind.</summary>
internal sealed class AsarmResult(int exitCode, byte[] output, byte[] error)
{
    private static readonly UTF8Encoding _strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public int ExitCode => exitCode;

    public string Output { get; } = _strict.GetString(output);

    public string Error { get; } = _strict.GetString(error);

    public string[] OutputLines => Lines(Output);

    public string[] ErrorLines => Lines(Error);

    /// <summary>The one JSON object on standard output.</summary>
    public JsonElement Json => JsonSerializer.Deserialize<JsonElement>(Output);

    /// <summary>The JSON objects on standard output, one a line.</summary>
    public JsonElement[] JsonLines => [.. OutputLines.Select(line => JsonSerializer.Deserialize<JsonElement>(line))];

    /// <summary>Exit code 0.</summary>
    public AsarmResult Done()
    {
        Assert.AreEqual(0, ExitCode, Error);
        return this;
    }

    /// <summary>Exit code 2, one line on standard error that names the thing, nothing on standard output.</summary>
    public void IsBadInput(params string[] named)
    {
        Assert.AreEqual(2, ExitCode, Error + Output);
        Assert.AreEqual("", Output);
        Assert.HasCount(1, ErrorLines, Error);
        Assert.StartsWith("asarm: ", Error);
        foreach (string name in named)
            Assert.Contains(name, Error);
        Assert.DoesNotContain("Exception", Error);
    }

    private static string[] Lines(string text) => text.ReplaceLineEndings("\n").Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
