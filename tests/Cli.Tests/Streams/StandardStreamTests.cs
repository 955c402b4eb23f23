using AsArm.Assd.Tests.Support;
using AsArm.Cli.Streams;
using AsArm.Cli.Tests.Support;

namespace AsArm.Cli.Tests.Streams;

/// <summary>Standard streams that are closed, full, or a pipe without a reader: the exit code is that of the work, nothing aborts.</summary>
[TestClass]
[OSCondition(ConditionMode.Exclude, OperatingSystems.Windows)]
public sealed class StandardStreamTests
{
    private const string Text = "A <mask> day.";

    [TestMethod]
    [DataRow("2>&-")]
    [DataRow("2>/dev/full")]
    [DataRow("2>&- <&-")]
    public void Infill_NothingCanBeReported_FillsTheText(string redirections)
    {
        AsarmResult result = AsarmCommand.RunRedirected(redirections, [], "infill", Text, "--seed", "1", "--model", Models.Text).Done();
        Assert.HasCount(1, result.OutputLines);
        Assert.StartsWith("A", result.Output);
    }

    [TestMethod]
    [DataRow(2, "infill", "No gap.")]
    [DataRow(2, "infill", Text, "--colour")]
    [DataRow(2, "infill", Text, "--model", "none")]
    [DataRow(2, "score", Text)]
    public void Command_NothingCanBeReported_HasTheExitCodeOfTheWork(int code, params string[] arguments)
    {
        if (!arguments.Contains("--model"))
            arguments = AsarmCommand.WithSmallModel(arguments);
        foreach (Stream error in Unwritable())
        {
            using var output = new MemoryStream();
            Assert.AreEqual(code, AsarmCommand.RunOn([], output, error, arguments));
            Assert.AreEqual(0, output.Length);
        }
    }

    [TestMethod]
    [DataRow("2>&-")]
    [DataRow("2>/dev/full")]
    public void Infill_BadTextThatCannotBeReported_HasTheExitCodeOfTheWork(string redirections)
    {
        AsarmResult result = AsarmCommand.RunRedirected(redirections, [], "infill", "No gap.", "--model", Models.Text);
        Assert.AreEqual(2, result.ExitCode, result.Output);
        Assert.AreEqual("", result.Output);
    }

    [TestMethod]
    public void Verify_FailureThatCannotBeReported_IsStillOne()
    {
        foreach (Stream error in Unwritable())
        {
            using var output = new MemoryStream();
            Assert.AreEqual(1, AsarmCommand.RunOn([], output, error, "verify", "--model", Models.Tiny, "--tolerance", "0"));
        }
    }

    /// <summary>The runtime's own pipes take the numbers of closed streams: what is meant for those must go nowhere, the output file above all.</summary>
    [TestMethod]
    [DataRow("2>&-")]
    [DataRow("2>/dev/full")]
    [DataRow(">&- 2>&-")]
    public void Infill_BadLinesThatCannotBeReported_DoNotEndTheOthers(string redirections)
    {
        using var folder = new TemporaryFolder();
        string input = folder.Write("in.jsonl", """
            {"text": "No gap."}
            {"text": "A <mask> day."}
            not JSON
            {"text": "A <mask> day."}
            """u8.ToArray());
        Assert.AreEqual(1, AsarmCommand.RunRedirected(redirections, [], "infill", "--model", Models.Text, "--input", input, "--output", folder.In("out.jsonl")).ExitCode);
        string[] lines = File.ReadAllLines(folder.In("out.jsonl"));
        CollectionAssert.AreEqual(
            new[] { true, false, true, false }, lines.Select(line => line.Contains("\"error\"", StringComparison.Ordinal)).ToArray());
    }

    [TestMethod]
    [DataRow("infill", Text)]
    [DataRow("infill", Text, "--json")]
    [DataRow("infill", Text, "--samples", "3")]
    [DataRow("score", "A [[fine]] day.")]
    [DataRow("score", "A [[fine]] day.", "--json")]
    [DataRow("info")]
    [DataRow("verify")]
    [DataRow("--help")]
    [DataRow("infill", "--help")]
    [DataRow("--version")]
    [DataRow]
    public void Command_OutputThatCannotBeWritten_FailsWithALine(params string[] arguments)
    {
        if (arguments is ["infill" or "score" or "info" or "verify", ..])
            arguments = AsarmCommand.WithSmallModel(arguments);
        foreach (Stream output in Unwritable())
        {
            using var error = new MemoryStream();
            int code = AsarmCommand.RunOn([], output, error, arguments);
            FailedWithALine(new AsarmResult(code, [], error.ToArray()));
        }
    }

    [TestMethod]
    [DataRow("infill", Text)]
    [DataRow("infill", Text, "--json")]
    [DataRow("bench")]
    [DataRow]
    public void Process_OutputThatCannotBeWritten_FailsWithALine(params string[] arguments)
    {
        foreach (string redirection in new[] { ">&-", ">/dev/full" })
            FailedWithALine(AsarmCommand.RunRedirected(redirection, [], arguments));
    }

    [TestMethod]
    public void Infill_FileThatCannotBeWritten_FailsWithALine()
    {
        using var folder = new TemporaryFolder();
        string input = folder.Write("in.jsonl", """{"text": "A <mask> day."}"""u8.ToArray());
        AsarmResult result = AsarmCommand.RunSmall("infill", "--input", input, "--output", "/dev/full");
        Assert.AreEqual(1, result.ExitCode, result.Error);
        Assert.Contains("--output /dev/full cannot be written", result.Error);
    }

    [TestMethod]
    public void Infill_ClosedStandardInput_IsAnEmptyOne() =>
        Assert.Contains("0 lines filled, 0 failed", AsarmCommand.RunRedirected("<&-", [], "infill", "--input", "-").Done().Error);

    [TestMethod]
    public void Infill_StandardInputThatIsAFolder_IsNamed() =>
        AsarmCommand.RunRedirected("<.", [], "infill", "--input", "-").IsBadInput("--input");

    /// <summary>Of two thousand samples the first is read; the figures on standard error count those that were made.</summary>
    [TestMethod]
    public void Infill_ReaderOfSamplesGoes_Stops()
    {
        using AsarmProcess process = AsarmCommand.Open("infill", Text, "--samples", "2000", "--seed", "1");
        Assert.StartsWith("A", process.ReadLine()!);
        process.CloseOutput();
        Assert.AreEqual(1, process.ExitCode());
        string[] lines = process.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.StartsWith("asarm: standard output cannot be written", lines[^1]);
        Assert.IsLessThan(1900, lines.Length);
    }

    /// <summary>The input has no end, so that only the failed write can.</summary>
    [TestMethod]
    public void Infill_ReaderOfLinesGoes_Stops()
    {
        using AsarmProcess process = AsarmCommand.Open("infill", "--input", "-");
        process.WriteLine($$"""{"text": "{{Text}}"}""");
        Assert.IsNotNull(process.ReadLine());
        process.CloseOutput();
        process.WriteLine($$"""{"text": "{{Text}}"}""");
        Assert.AreEqual(1, process.ExitCode());
        Assert.Contains("asarm: standard output cannot be written", process.Error);
    }

    /// <summary>Bad lines are written by another task than filled ones.</summary>
    [TestMethod]
    public void Infill_ReaderOfBadLinesGoes_Stops()
    {
        using AsarmProcess process = AsarmCommand.Open("infill", "--input", "-");
        process.WriteLine("1");
        Assert.IsNotNull(process.ReadLine());
        process.CloseOutput();
        process.WriteLine("2");
        Assert.AreEqual(1, process.ExitCode());
        Assert.Contains("asarm: standard output cannot be written", process.Error);
    }

    /// <summary>What stands for a closed standard stream, and a file on a full disk.</summary>
    private static Stream[] Unwritable() =>
        [new ClosedStream(), new FileStream("/dev/full", FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0)];

    private static void FailedWithALine(AsarmResult result)
    {
        Assert.AreEqual(1, result.ExitCode, result.Error);
        Assert.Contains("asarm: standard output cannot be written: ", result.ErrorLines[^1]);
        Assert.DoesNotContain("Exception", result.Error);
    }
}
