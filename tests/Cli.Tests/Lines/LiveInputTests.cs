using System.Diagnostics;
using System.Text.Json;
using AsArm.Assd.Tests.Support;
using AsArm.Cli.Tests.Support;

namespace AsArm.Cli.Tests.Lines;

/// <summary>asarm infill --input on pipes: a line is answered as soon as it is done, whatever else is to come.</summary>
[TestClass]
public sealed class LiveInputTests
{
    private const string Good = """{"text": "A <mask> day.", "seed": 7}""";

    [TestMethod]
    public void Infill_LinesOneByOne_AreAnsweredBeforeTheNextComes()
    {
        using AsarmProcess process = AsarmCommand.Open("infill", "--input", "-");
        foreach ((int number, string line) in ((int, string)[])[(1, Good), (2, "bad"), (3, Good), (4, """{"text": "No gap."}"""), (5, Good)])
        {
            process.WriteLine(line);
            JsonElement answer = JsonSerializer.Deserialize<JsonElement>(process.ReadLine()!);
            Assert.AreEqual(number, answer.GetProperty("line").GetInt32());
            Assert.AreEqual(line == Good, answer.TryGetProperty("text", out _));
        }

        process.CloseInput();
        Assert.IsNull(process.ReadLine());
        Assert.AreEqual(1, process.ExitCode());
        Assert.Contains("3 lines filled, 2 failed", process.Error);
    }

    [TestMethod]
    [OSCondition(ConditionMode.Exclude, OperatingSystems.Windows)]
    public void Infill_InterruptedWhileItWaits_IsCancelled()
    {
        using AsarmProcess process = AsarmCommand.Open("infill", "--input", "-");
        process.WriteLine(Good);
        Assert.IsNotNull(process.ReadLine());
        process.Interrupt(); // and the input stays open
        Assert.AreEqual(1, process.ExitCode());
        Assert.AreEqual("asarm: cancelled\n", process.Error);
    }

    [TestMethod]
    [OSCondition(ConditionMode.Exclude, OperatingSystems.Windows)]
    public void Infill_NamedPipe_IsAnsweredLineByLine()
    {
        using var folder = new TemporaryFolder();
        Process.Start("mkfifo", [folder.In("pipe")]).WaitForExit();
        using AsarmProcess process = AsarmCommand.Open("infill", "--input", folder.In("pipe"));
        using (var writer = new StreamWriter(folder.In("pipe")) { AutoFlush = true, NewLine = "\n" })
        {
            writer.WriteLine(Good);
            Assert.IsNotNull(process.ReadLine());
            writer.WriteLine(Good);
            Assert.IsNotNull(process.ReadLine());
        }

        Assert.AreEqual(0, process.ExitCode());
    }

    /// <summary>A finished line is with the system, not in a buffer of the process.</summary>
    [TestMethod]
    [OSCondition(ConditionMode.Exclude, OperatingSystems.Windows)]
    public void Infill_Killed_LeavesTheFinishedLines()
    {
        using var folder = new TemporaryFolder();
        using AsarmProcess process = AsarmCommand.Open("infill", "--input", "-", "--output", folder.In("out.jsonl"));
        process.WriteLine(Good);
        process.WriteLine(Good);
        for (var limit = Stopwatch.StartNew(); Lines().Length < 2;) // only bounds a failure
        {
            Assert.IsLessThan(180, limit.Elapsed.TotalSeconds);
            Thread.Sleep(20);
        }

        process.Kill();
        process.ExitCode();
        foreach (string line in Lines())
            Assert.AreEqual(7, JsonSerializer.Deserialize<JsonElement>(line).GetProperty("seed").GetInt32());

        // Not through .NET, which heeds the writer's lock.
        string[] Lines() => AsarmCommand.Shell("cat \"$F\" 2>/dev/null || true", [("F", folder.In("out.jsonl"))]).OutputLines;
    }
}
