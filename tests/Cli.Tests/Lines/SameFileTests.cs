using AsArm.Assd.Tests.Support;
using AsArm.Cli.Tests.Support;

namespace AsArm.Cli.Tests.Lines;

/// <summary>The file that is read is never written to, whatever names it and whoever opened it.</summary>
[TestClass]
[OSCondition(OperatingSystems.Linux)]
public sealed class SameFileTests
{
    private const string Good = "{\"text\": \"A <mask> day.\"}\n";

    [TestMethod]
    [DataRow("--output", "<$F", "--input", "-", "--output", "F")]
    [DataRow("--output", "<$F", "--input", "-", "--output", "hard")]
    [DataRow("--output", "<$F", "--input", "-", "--output", "soft")]
    [DataRow("--output", "<$hard", "--input", "-", "--output", "soft")]
    [DataRow("--output", "", "--input", "F", "--output", "hard")]
    [DataRow("--output", "", "--input", "soft", "--output", "hard")]
    [DataRow("--output", "", "--input", "F", "--output", "soft")]
    [DataRow("--output", "", "--input", "soft", "--output", "soft")]
    [DataRow("standard output", ">>$F", "--input", "F")]
    [DataRow("standard output", ">>$hard", "--input", "soft", "--output", "-")]
    [DataRow("standard output", "<$F >>$F", "--input", "-")]
    [DataRow("--output", "<$F >>$F", "--input", "-", "--output", "hard")]
    public void Infill_OutputThatIsTheInput_IsRefusedAndLeftAlone(string named, string redirections, params string[] arguments)
    {
        using TemporaryFolder folder = NewFolder(out (string, string)[] files);
        arguments = ["infill", .. arguments.Select(argument => Named(folder, argument))];
        AsarmResult result = redirections.Length > 0 ? AsarmCommand.RunRedirected(redirections, files, arguments) : AsarmCommand.Run(arguments);
        result.IsBadInput($"{named} is the --input file");
        Assert.AreEqual(Good, File.ReadAllText(folder.In("F")));
    }

    /// <summary>By relative names too, as typed in the folder itself.</summary>
    [TestMethod]
    public void Infill_RelativeLinkToTheInput_IsRefusedAndLeftAlone()
    {
        using TemporaryFolder folder = NewFolder(out _);
        AsarmCommand.RunInFolder(folder.Path, "infill", "--input", "F", "--output", "soft").IsBadInput("--output is the --input file");
        AsarmCommand.RunInFolder(folder.Path, "infill", "--input", "soft", "--output", "./hard").IsBadInput("--output is the --input file");
        Assert.AreEqual(Good, File.ReadAllText(folder.In("F")));
    }

    /// <summary>Every report of a bad line would be another bad line.</summary>
    [TestMethod]
    public void Infill_ReportsIntoTheInput_AreRefused()
    {
        using TemporaryFolder folder = NewFolder(out (string, string)[] files);
        Assert.AreEqual(2, AsarmCommand.RunRedirected("2>>$F", files, "infill", "--input", folder.In("F")).ExitCode);
        Assert.AreEqual(Good + "asarm: standard error is the --input file.\n", File.ReadAllText(folder.In("F")));
    }

    /// <summary>The last report would be written over the results.</summary>
    [TestMethod]
    public void Infill_ReportsIntoTheOutput_AreRefused()
    {
        using TemporaryFolder folder = NewFolder(out (string, string)[] files);
        Assert.AreEqual(2, AsarmCommand.RunRedirected("2>>$G", files, "infill", "--input", folder.In("F"), "--output", folder.In("G")).ExitCode);
        Assert.EndsWith("asarm: standard error is the --output file.\n", File.ReadAllText(folder.In("G")));
    }

    [TestMethod]
    [DataRow("<$F >$G", "--input", "-")]
    [DataRow("<$F >>$G", "--input", "-", "--output", "-")]
    [DataRow("<$F", "--input", "-", "--output", "G")]
    [DataRow("<$F >/dev/null", "--input", "-", "--output", "G")]
    [DataRow("</dev/null >$G", "--input", "F")]
    public void Infill_AnotherFile_IsWritten(string redirections, params string[] arguments)
    {
        using TemporaryFolder folder = NewFolder(out (string, string)[] files);
        AsarmCommand.RunRedirected(redirections, files, ["infill", "--model", Models.Text, .. arguments.Select(argument => Named(folder, argument))]).Done();
        Assert.HasCount(1, File.ReadAllLines(folder.In("G")));
        Assert.AreEqual(Good, File.ReadAllText(folder.In("F")));
    }

    [TestMethod]
    public void Infill_NullDeviceForBoth_IsNotAFile() =>
        AsarmCommand.RunSmall("infill", "--input", "/dev/null", "--output", "/dev/null").Done();

    /// <summary>Before the model is loaded, which does not exist.</summary>
    [TestMethod]
    public void Infill_OutputThatIsAFolder_IsNamedBeforeTheModelIsLoaded()
    {
        using TemporaryFolder folder = NewFolder(out _);
        AsarmCommand.Run("infill", "--model", folder.In("none"), "--input", folder.In("F"), "--output", folder.Path)
            .IsBadInput($"--output {folder.Path} is a folder");
    }

    [TestMethod]
    public void Infill_ModelThatCannotBeOpened_LeavesTheOutputAlone()
    {
        using TemporaryFolder folder = NewFolder(out _);
        string old = folder.Write("old.jsonl", "old"u8.ToArray());
        foreach (string output in new[] { old, folder.In("new.jsonl") })
            AsarmCommand.Run("infill", "--model", folder.In("none"), "--input", folder.In("F"), "--output", output).IsBadInput("none");
        Assert.AreEqual("old", File.ReadAllText(old));
        Assert.IsFalse(File.Exists(folder.In("new.jsonl")));
    }

    private static TemporaryFolder NewFolder(out (string Name, string Value)[] files)
    {
        var folder = new TemporaryFolder();
        File.WriteAllText(folder.In("F"), Good);
        AsarmCommand.Shell("ln \"$F\" \"$hard\"; ln -s F \"$soft\"", files = [.. new[] { "F", "G", "hard", "soft" }.Select(name => (name, folder.In(name)))]);
        return folder;
    }

    private static string Named(TemporaryFolder folder, string argument) => argument is "F" or "G" or "hard" or "soft" ? folder.In(argument) : argument;
}
