using System.Text;
using System.Text.Json;
using AsArm.Assd.Tests.Support;
using AsArm.Cli.Tests.Support;

namespace AsArm.Cli.Tests.Lines;

/// <summary>asarm score --input: a JSON object or a text a line.</summary>
[TestClass]
public sealed class ScoreLinesTests
{
    [TestMethod]
    public void Score_LinesOfJson_EqualSingleRuns()
    {
        string[] texts = [.. Enumerable.Range(0, 40).Select(i => $"Day {i}: the [[little dog]] ran {new string('o', i % 7)} [[home]].")];
        string input = string.Join('\n', texts.Select((text, i) => JsonSerializer.Serialize(new { id = $"n{i}", text })));
        JsonElement[] lines = RunOn(input).Done().JsonLines;
        Assert.HasCount(40, lines);
        foreach ((int i, JsonElement line) in lines.Index())
        {
            CollectionAssert.AreEqual(new[] { "id", "line", "log_prob", "tokens", "spans" }, line.EnumerateObject().Select(field => field.Name).ToArray());
            Assert.AreEqual($"n{i}", line.GetProperty("id").GetString());
            Assert.AreEqual(i + 1, line.GetProperty("line").GetInt32());
        }

        foreach (int i in new[] { 0, 17, 39 })
        {
            JsonElement single = AsarmCommand.RunSmall("score", texts[i], "--json").Done().Json;
            Assert.AreEqual(single.GetProperty("log_prob").GetDouble(), lines[i].GetProperty("log_prob").GetDouble(), 1e-4);
            Assert.AreEqual(single.GetProperty("tokens").GetInt32(), lines[i].GetProperty("tokens").GetInt32());
        }
    }

    /// <summary>Each field of a line is an option of the command.</summary>
    [TestMethod]
    [DataRow("\"per\": \"word\"", "--per", "word")]
    [DataRow("\"per\": \"token\"", "--per", "token")]
    [DataRow("\"pseudo\": true", "--pseudo")]
    public void Score_FieldsOfALine_AreThoseOfTheCommand(string fields, params string[] options)
    {
        const string Text = "The [[little dog]] ran home.";
        string single = AsarmCommand.RunSmall(["score", Text, "--json", .. options]).Done().Output.Trim()[1..];
        string usual = AsarmCommand.RunSmall("score", Text, "--json").Done().Output.Trim()[1..];
        Assert.AreNotEqual(usual, single);
        string expected = "{\"line\":1," + single;
        Assert.AreEqual(expected, RunOn($$"""{"text": "{{Text}}", {{fields}}}""").Done().Output.Trim());
        Assert.AreEqual(expected, RunOn($$"""{"text": "{{Text}}", "per": null, "pseudo": null}""", options).Done().Output.Trim());
    }

    /// <summary>A file .txt holds texts, and so does any input with --format text.</summary>
    [TestMethod]
    public void Score_LinesOfText_AreTexts()
    {
        const string Lines = "\uFEFFThe [[dog]] ran.\r\n\r\n{\"text\": \"[[a]]\"}\nNo span.\n";
        using var folder = new TemporaryFolder();
        string input = folder.Write("in.txt", Encoding.UTF8.GetBytes(Lines));
        AsarmResult result = AsarmCommand.RunSmall("score", "--input", input, "--output", folder.In("out.jsonl"));
        Assert.AreEqual(1, result.ExitCode);
        Assert.Contains("asarm: line 4: The text marks no span", result.Error);
        Assert.Contains("2 lines scored, 1 failed", result.Error);
        JsonElement[] lines = [.. File.ReadAllLines(folder.In("out.jsonl")).Select(line => JsonSerializer.Deserialize<JsonElement>(line))];
        CollectionAssert.AreEqual(new[] { "dog", "a" }, lines[..2].Select(line => line.GetProperty("spans")[0].GetProperty("text").GetString()).ToArray());
        CollectionAssert.AreEqual(new[] { 1, 3, 4 }, lines.Select(line => line.GetProperty("line").GetInt32()).ToArray());
        Assert.AreEqual(File.ReadAllText(folder.In("out.jsonl")), RunOn(Lines, "--format", "text").Output);
    }

    /// <summary>A whole text needs no span.</summary>
    [TestMethod]
    public void Score_LinesThatAreWhole_AreScoredAsTheyAre()
    {
        string expected = AsarmCommand.RunSmall("score", "--whole", "The dog ran home.", "--json").Done().Output.Trim()[1..];
        AsarmResult result = RunOn("""{"text": "The dog ran home.", "whole": true}""" + "\n" + """{"text": "The [[dog]] ran home.", "whole": false}""", "--whole").Done();
        Assert.AreEqual("{\"line\":1," + expected, result.OutputLines[0]);
        Assert.AreEqual("dog", result.JsonLines[1].GetProperty("spans")[0].GetProperty("text").GetString());
        Assert.AreEqual(result.OutputLines[0], RunOn("The dog ran home.", "--whole", "--format", "text").Done().Output.Trim());
    }

    [TestMethod]
    [DataRow("{\"text\": \"No span.\"}", "marks no span")]
    [DataRow("{\"text\": \"[[a\"}", "")]
    [DataRow("{\"text\": \"A <mask> [[b]].\"}", "gaps")]
    [DataRow("{\"text\": \"\", \"whole\": true}", "empty")]
    [DataRow("{\"text\": \"[[a]]\", \"seed\": 1}", "unknown field \"seed\"")]
    [DataRow("{\"text\": \"[[a]]\", \"per\": \"letter\"}", "\"per\" must be span, word, token")]
    [DataRow("{\"text\": \"[[a]]\", \"pseudo\": 1}", "\"pseudo\" must be true or false")]
    [DataRow("{\"id\": 7}", "\"text\" is missing")]
    [DataRow("[]", "not a JSON object")]
    [DataRow("{", "not valid JSON")]
    public void Score_BadLine_IsReportedAndTheOthersAreDone(string bad, string named)
    {
        AsarmResult result = RunOn("{\"text\": \"[[a]]\"}\n" + bad + "\n{\"text\": \"[[b]]\"}");
        Assert.AreEqual(1, result.ExitCode);
        JsonElement[] lines = result.JsonLines;
        Assert.HasCount(3, lines);
        Assert.Contains(named, lines[1].GetProperty("error").GetString()!);
        Assert.StartsWith("asarm: line 2: ", result.ErrorLines[0]);
        Assert.AreEqual("2 lines scored, 1 failed", result.ErrorLines[1]);
    }

    [TestMethod]
    public void Score_InputAndOutput_AreChecked()
    {
        using var folder = new TemporaryFolder();
        string input = folder.Write("in.jsonl", Encoding.UTF8.GetBytes("{\"text\": \"[[a]]\"}"));
        AsarmCommand.RunSmall("score", "--input", input, "--output", input).IsBadInput("--output is the --input file");
        AsarmCommand.RunSmall("score", "--input", folder.In("none.jsonl")).IsBadInput("--input", "none.jsonl");
        AsarmCommand.RunSmall("score", "[[a]]", "--input", input).IsBadInput("either a TEXT or --input");
        AsarmCommand.RunSmall("score").IsBadInput("either a TEXT or --input");
        AsarmCommand.RunSmall("score", "[[a]]", "--output", folder.In("o.jsonl")).IsBadInput("--output goes with --input");
        AsarmCommand.RunSmall("score", "[[a]]", "--format", "text").IsBadInput("--format goes with --input");
        AsarmCommand.RunSmall("score", "", "--whole").IsBadInput("empty");
    }

    private static AsarmResult RunOn(string input, params string[] options) => AsarmCommand.RunSmallOn(Encoding.UTF8.GetBytes(input), ["score", "--input", "-", .. options]);
}
