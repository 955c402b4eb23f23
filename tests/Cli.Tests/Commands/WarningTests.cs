using System.Text;
using AsArm.Cli.Tests.Support;

namespace AsArm.Cli.Tests.Commands;

/// <summary>What looks like a gap beside a good one: said once on standard error, and in JSON.</summary>
[TestClass]
public sealed class WarningTests
{
    [TestMethod]
    [DataRow("<MASK>")]
    [DataRow("<mask/>")]
    [DataRow("<mask :3>")]
    [DataRow("<Mask:2>")]
    [DataRow("[MASK]")]
    public void Infill_LookalikeBesideAGap_IsNamedOnce(string lookalike)
    {
        AsarmResult result = AsarmCommand.RunSmall("infill", $"A {lookalike} and a <mask> day.", "--samples", "2", "--seed", "1").Done();
        Assert.HasCount(2, result.OutputLines);
        Assert.StartsWith($"A {lookalike} and a", result.OutputLines[0]);
        Assert.HasCount(3, result.ErrorLines);
        Assert.AreEqual(1, result.ErrorLines.Count(line => line.Contains(lookalike)));
        Assert.Contains($"asarm: '{lookalike}' at character 2 is plain text", result.Error);
    }

    [TestMethod]
    public void Infill_LookalikeInJson_IsAField()
    {
        AsarmResult result = AsarmCommand.RunSmall("infill", "A <MASK> and a <mask> day.", "--json").Done();
        Assert.HasCount(1, result.ErrorLines);
        Assert.Contains("'<MASK>'", result.Json.GetProperty("warning").GetString()!);
    }

    [TestMethod]
    public void Infill_LookalikeInALine_IsNamedWithTheLine()
    {
        byte[] lines = Encoding.UTF8.GetBytes("""
            {"text": "A <mask> day."}
            {"text": "A <MASK> and a <mask> day."}
            """);
        AsarmResult result = AsarmCommand.RunSmallOn(lines, "infill", "--input", "-").Done();
        Assert.HasCount(2, result.OutputLines);
        Assert.Contains("asarm: line 2: '<MASK>' at character 2", result.Error);
        Assert.DoesNotContain("line 1:", result.Error);
        Assert.IsFalse(result.JsonLines[0].TryGetProperty("warning", out _));
    }

    [TestMethod]
    [DataRow(@"A \<MASK> and a <mask> day.")]
    [DataRow("A <masked> man and a <mask> day.")]
    public void Infill_OtherText_SaysNothing(string text) =>
        Assert.AreEqual("", AsarmCommand.RunSmall("infill", text, "--json").Done().Error);
}
