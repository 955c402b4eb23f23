using AsArm.Cli.Tests.Support;

namespace AsArm.Cli.Tests.Commands;

[TestClass]
public sealed class HelpTests
{
    private static readonly string[] _commands = ["infill", "score", "candidates", "verify", "info", "bench", "serve"];

    [TestMethod]
    [DataRow("--help")]
    [DataRow("-h")]
    public void Help_OfTheProgram_NamesEveryCommandAndShowsExamples(string option)
    {
        AsarmResult result = AsarmCommand.Run(option).Done();
        Assert.AreEqual("", result.Error);
        foreach (string command in _commands)
        {
            Assert.Contains(line => line.StartsWith("  " + command, StringComparison.Ordinal), result.OutputLines);
            Assert.Contains($"  asarm {command}", Examples(result));
        }
    }

    [TestMethod]
    [DataRow("infill", "--model --sampler --draft-length --temperature --top-k --top-p --order --seed --samples --device --threads --no-cache --json --input --output --min-probability --token-details --length-prior --length-fillings --length-suffix")]
    [DataRow("candidates", "--model --top --beams --gap-spacing --device --no-cache --json")]
    [DataRow("score", "--model --device --no-cache --json --input --output --format --per --whole --pseudo --window")]
    [DataRow("verify", "--model --golden --tolerance --device")]
    [DataRow("info", "--model")]
    [DataRow("bench", "--model --device --threads --repeats")]
    [DataRow("serve", "--model --config --host --port --device --threads --memory-budget --api-key --api-key-file --cors-origin --max-queue --request-timeout --shutdown-timeout --metrics --otlp --reload")]
    public void Help_OfACommand_NamesEveryOptionAndShowsExamples(string command, string options)
    {
        AsarmResult result = AsarmCommand.Run(command, "--help").Done();
        Assert.AreEqual("", result.Error);
        Assert.Contains($"  asarm {command}", Examples(result));
        foreach (string option in options.Split(' '))
            Assert.Contains(line => line.StartsWith($"  {option} ", StringComparison.Ordinal), result.OutputLines, option);
    }

    [TestMethod]
    public void Help_BesideABadOption_IsStillGiven() =>
        Assert.Contains("Usage:", AsarmCommand.Run("infill", "--temperature", "-1", "--help").Done().Output);

    [TestMethod]
    public void NoArguments_PrintsHelp_WithTheExitCodeOfBadUsage()
    {
        AsarmResult result = AsarmCommand.RunAsProcess();
        Assert.AreEqual(2, result.ExitCode);
        Assert.Contains("Usage:", result.Output);
        Assert.AreEqual("", result.Error);
    }

    /// <summary>Of the entry assembly, so that only the command itself knows it.</summary>
    [TestMethod]
    public void Version_IsOneLine()
    {
        AsarmResult result = AsarmCommand.RunAsProcess("--version").Done();
        Assert.HasCount(1, result.OutputLines);
        Assert.MatchesRegex(@"^\d+\.\d+\.\d+", result.Output);
    }

    private static string Examples(AsarmResult result)
    {
        int start = result.Output.IndexOf("Examples:", StringComparison.Ordinal);
        Assert.IsGreaterThan(0, start, result.Output);
        return result.Output[start..];
    }
}
