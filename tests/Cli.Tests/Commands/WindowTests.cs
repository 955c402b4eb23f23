using System.Text;
using System.Text.Json;
using AsArm.Cli.Tests.Support;

namespace AsArm.Cli.Tests.Commands;

/// <summary>--window: texts that are longer than the model takes.</summary>
[TestClass]
public sealed class WindowTests
{
    private static readonly string _day = string.Concat(Enumerable.Repeat("They had a good day. ", Models.TextMaxLength / 2));
    private static readonly string _long = $"{_day}Tom <mask:2> home. {_day}Then <mask:3>.";

    [TestMethod]
    public void Infill_LongText_IsFilledInWindows()
    {
        AsarmCommand.RunSmall("infill", _long).IsBadInput("--window", "a longer maximum");
        AsarmResult result = AsarmCommand.RunSmall("infill", _long, "--window", "--seed", "1").Done();
        Assert.StartsWith($"{_day}Tom ", result.Output);
        Assert.Contains($" home. {_day}Then ", result.Output);
        Assert.Contains("5 tokens", result.Error);
        Assert.Contains("of 2 windows", result.Error);
    }

    [TestMethod]
    public void Infill_LongTextAsJson_SaysTheWindows()
    {
        JsonElement json = AsarmCommand.RunSmall("infill", _long, "--window", "--seed", "1", "--json").Done().Json;
        Assert.AreEqual(2, json.GetProperty("windows").GetInt32());
        Assert.AreEqual(5, json.GetProperty("tokens").GetInt32());
        Assert.AreEqual(2, json.GetProperty("gaps").GetArrayLength());
    }

    [TestMethod]
    public void Infill_LinesOfAFile_AreFilledInWindowsToo()
    {
        byte[] lines = Encoding.UTF8.GetBytes(string.Join('\n', new[] { _long, "A <mask> day.", _long }.Select(text => JsonSerializer.Serialize(new { text, seed = 1 }))));
        JsonElement[] filled = AsarmCommand.RunSmallOn(lines, "infill", "--input", "-", "--window").Done().JsonLines;
        Assert.HasCount(3, filled);
        string?[] texts = [.. filled.Select(line => line.GetProperty("text").GetString())];
        Assert.AreEqual(texts[0], texts[2]);
        Assert.AreEqual(AsarmCommand.RunSmall("infill", _long, "--window", "--seed", "1", "--draft-mode", "throughput").Done().Output.TrimEnd(), texts[0]);
        Assert.IsFalse(filled[1].TryGetProperty("windows", out _));
    }

    [TestMethod]
    public void Infill_TextThatFits_IsFilledAsWithout()
    {
        string[] arguments = ["infill", "Tom was <mask> because <mask:6>.", "--seed", "3"];
        AsarmResult without = AsarmCommand.RunSmall(arguments).Done(), with = AsarmCommand.RunSmall([.. arguments, "--window"]).Done();
        Assert.AreEqual(without.Output, with.Output);
        Assert.AreEqual(without.Error, with.Error);
    }

    [TestMethod]
    public void Score_LongText_SeesItsSpans()
    {
        string text = $"{_day}Tom [[ran]] home. {_day}";
        AsarmCommand.RunSmall("score", text).IsBadInput("--window");
        JsonElement json = AsarmCommand.RunSmall("score", text, "--window", "--json").Done().Json;
        Assert.AreEqual("ran", json.GetProperty("spans")[0].GetProperty("text").GetString());
        AsarmCommand.RunSmall("score", $"Tom [[ran]] home. {_day} He [[sat]].", "--window").IsBadInput("marked spans do not fit into a window");
    }

    [TestMethod]
    public void Infill_GapOfMoreThanAWindow_IsRefused() =>
        AsarmCommand.RunSmall("infill", $"A <mask:{Models.TextMaxLength}>.", "--window").IsBadInput($"A gap of {Models.TextMaxLength} tokens");
}
