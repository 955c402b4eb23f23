using System.Text;
using System.Text.Json;
using AsArm.Assd.Tests.Support;
using AsArm.Cli.Tests.Support;

namespace AsArm.Cli.Tests.Lines;

/// <summary>asarm infill --input: a JSON object a line.</summary>
[TestClass]
public sealed class JsonLinesTests
{
    private const string Good = """{"text": "A <mask> day.", "seed": 7}""";

    private static readonly byte[] _byteOrderMark = [0xEF, 0xBB, 0xBF];

    [TestMethod]
    public void Infill_FileToFile_AnswersEveryLine()
    {
        using var folder = new TemporaryFolder();
        string input = folder.Write("in.jsonl", Bytes(Good + "\n" + """{"seed": 8, "text": "<mask:2> night <mask>."}""" + "\n"));
        AsarmResult result = AsarmCommand.RunSmall("infill", "--input", input, "--output", folder.In("out.jsonl"), "--sampler", "sequential").Done();
        Assert.AreEqual("", result.Output);
        Assert.Contains("2 lines filled, 0 failed", result.Error);
        byte[] written = File.ReadAllBytes(folder.In("out.jsonl"));
        Assert.AreEqual((byte)'{', written[0]);
        Assert.DoesNotContain((byte)'\r', written);
        JsonElement[] lines = [.. File.ReadAllLines(folder.In("out.jsonl")).Select(line => JsonSerializer.Deserialize<JsonElement>(line))];
        CollectionAssert.AreEqual(new[] { 1, 2 }, Numbers(lines, "line"));
        CollectionAssert.AreEqual(new[] { 7, 8 }, Numbers(lines, "seed"));
        CollectionAssert.AreEqual(new[] { 1, 3 }, Numbers(lines, "tokens"));
        CollectionAssert.AreEqual(new[] { 1, 3 }, Numbers(lines, "nfe"));
        Assert.AreEqual("sequential", lines[0].GetProperty("sampler").GetString());
        Assert.AreEqual(2, lines[1].GetProperty("gaps").GetArrayLength());
    }

    [TestMethod]
    public void Infill_StandardInput_GoesToStandardOutput()
    {
        JsonElement named = AsarmCommand.RunSmallOn(Bytes(Good), "infill", "--input", "-", "--output", "-").Done().JsonLines.Single();
        JsonElement implied = AsarmCommand.RunSmallOn(Bytes(Good), "infill", "--input", "-").Done().JsonLines.Single();
        Assert.AreEqual(Text(named), Text(implied));
    }

    [TestMethod]
    public void Infill_OlderOutputFile_IsReplaced()
    {
        using var folder = new TemporaryFolder();
        string output = folder.Write("out.jsonl", new byte[100_000]);
        AsarmCommand.RunSmallOn(Bytes(Good), "infill", "--input", "-", "--output", output).Done();
        Assert.AreEqual(1, JsonSerializer.Deserialize<JsonElement>(File.ReadAllText(output)).GetProperty("line").GetInt32());
    }

    [TestMethod]
    public void Infill_MarkCarriageReturnsAndBlankLines_AreNotPartOfTheLines()
    {
        byte[] input = [.. _byteOrderMark, .. Bytes("\r\n" + Good + "\r\n\r\n  \t\r\n" + Good + "\r\n\r\n")];
        AsarmResult result = AsarmCommand.RunSmallOn(input, "infill", "--input", "-").Done();
        CollectionAssert.AreEqual(new[] { 2, 5 }, Numbers(result.JsonLines, "line"));
        Assert.AreEqual(Text(result.JsonLines[0]), Text(result.JsonLines[1]));
    }

    [TestMethod]
    public void Infill_MarkBeforeTheFirstObject_IsSkipped()
    {
        byte[] input = [.. _byteOrderMark, .. Bytes(Good)];
        Assert.HasCount(1, AsarmCommand.RunSmallOn(input, "infill", "--input", "-").Done().JsonLines);
    }

    [TestMethod]
    [DataRow("")]
    [DataRow("\n\r\n \n")]
    public void Infill_NoLine_WritesAnEmptyFile(string input)
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("0 lines filled, 0 failed", AsarmCommand.RunSmallOn(Bytes(input), "infill", "--input", "-", "--output", folder.In("out.jsonl")).Done().Error);
        Assert.AreEqual(0, new FileInfo(folder.In("out.jsonl")).Length);
    }

    /// <summary>More lines than a batch holds, of different lengths: each comes out in its place and as it would alone.</summary>
    [TestMethod]
    public void Infill_FortyLines_KeepTheirOrderAndEqualSingleRuns()
    {
        string[] texts = [.. Enumerable.Range(1, 40).Select(i => $"Line {i} <mask:{(i * 7 % 5) + 1}> of <mask> lines{new string('!', i % 9)}")];
        string input = string.Join('\n', texts.Select((text, i) => JsonSerializer.Serialize(new { text, seed = 100 + (i * 3) })));
        JsonElement[] lines = AsarmCommand.RunOn(Bytes(input), "infill", "--input", "-", "--temperature", "0.8").Done().JsonLines;
        CollectionAssert.AreEqual(Enumerable.Range(1, 40).ToArray(), Numbers(lines, "line"));
        for (int i = 0; i < texts.Length; i++)
        {
            Assert.StartsWith($"Line {i + 1}", Text(lines[i]));
            Assert.EndsWith(" lines" + new string('!', (i + 1) % 9), Text(lines[i]));
        }

        foreach (int i in new[] { 0, 15, 16, 39 })
        {
            AsarmResult single = AsarmCommand.Run("infill", texts[i], "--draft-mode", "throughput", "--seed", $"{100 + (i * 3)}", "--temperature", "0.8", "--json").Done();
            Assert.AreEqual(Text(single.Json), Text(lines[i]));
        }
    }

    [TestMethod]
    public void Infill_SeedOption_CountsTheLinesWithoutTheirOwn()
    {
        const string Bare = """{"text": "Once there was <mask:5>."}""";
        JsonElement[] lines = AsarmCommand.RunSmallOn(Bytes($"{Bare}\n\n{Good}\n{Bare}\n"), "infill", "--input", "-", "--seed", "50").Done().JsonLines;
        CollectionAssert.AreEqual(new[] { 50, 7, 53 }, Numbers(lines, "seed"));
        Assert.AreEqual(Text(AsarmCommand.RunSmall("infill", "Once there was <mask:5>.", "--draft-mode", "throughput", "--seed", "53", "--json").Done().Json), Text(lines[2]));
    }

    [TestMethod]
    public void Infill_NoSeedAtAll_NamesTheOneThatWasDrawn()
    {
        JsonElement line = AsarmCommand.RunSmallOn(Bytes("""{"text": "Once there was <mask:5>."}"""), "infill", "--input", "-").Done().JsonLines.Single();
        AsarmResult again = AsarmCommand.RunSmall("infill", "Once there was <mask:5>.", "--draft-mode", "throughput", "--seed", line.GetProperty("seed").GetRawText(), "--json").Done();
        Assert.AreEqual(Text(again.Json), Text(line));
    }

    [TestMethod]
    public void Infill_EscapedAndUnusualText_ComesBackUnchanged()
    {
        string input = """{"text": "Tab\t \"quoted\" \\ \u0000\u0007 \ud83d\ude00 \ufffd  ﬁ <mask> \\<mask>\n"}""";
        string text = Text(AsarmCommand.RunSmallOn(Bytes(input), "infill", "--input", "-").Done().JsonLines.Single());
        Assert.StartsWith("Tab\t \"quoted\" \\ \0\a 😀 \uFFFD  ﬁ", text);
        Assert.EndsWith(" <mask>\n", text);
    }

    [TestMethod]
    [DataRow("[1, 2]", "not a JSON object")]
    [DataRow("\"A <mask> day.\"", "not a JSON object")]
    [DataRow("null", "not a JSON object")]
    [DataRow("{\"text\": \"A <mask> day.\"", "JSON")]
    [DataRow("A <mask> day.", "JSON")]
    [DataRow("{\"text\": \"A <mask> day.\"} {}", "JSON")]
    [DataRow("{}", "\"text\"")]
    [DataRow("{\"text\": 5}", "\"text\"")]
    [DataRow("{\"Text\": \"A <mask> day.\"}", "\"text\"")]
    [DataRow("{\"text\": \"A <mask> day.\", \"seed\": \"7\"}", "\"seed\"")]
    [DataRow("{\"text\": \"A <mask> day.\", \"seed\": 1.5}", "\"seed\"")]
    [DataRow("{\"text\": \"A <mask> day.\", \"seed\": 99999999999999999999}", "\"seed\"")]
    [DataRow("{\"text\": \"A day.\"}", "no gap")]
    [DataRow("{\"text\": \"A <mask:0> day.\"}", "size 0")]
    [DataRow("{\"text\": \"A <mask:100000> day.\"}", "100003")]
    [DataRow("{\"text\": \"\\ud800 <mask>\"}", "surrogate")]
    [DataRow("{\"\\ud800ab\": 1, \"text\": \"A <mask> day.\"}", "surrogate")]
    public void Infill_BadLine_IsReportedWithItsNumberAndTheOthersAreDone(string bad, string named) => IsReported(Bytes(bad), named);

    [TestMethod]
    public void Infill_LineOfInvalidUtf8_IsReportedWithItsNumberAndTheOthersAreDone()
    {
        IsReported([.. Bytes("{\"text\": \"A <mask> caf"), 0xE9, .. Bytes(" day.\"}")], "UTF-8");
        IsReported([0xFF, 0xFE], "UTF-8");
    }

    [TestMethod]
    public void Infill_OnlyBadLines_ReportsEach()
    {
        AsarmResult result = AsarmCommand.RunSmallOn(Bytes("1\n2\n\n3"), "infill", "--input", "-");
        Assert.AreEqual(1, result.ExitCode);
        CollectionAssert.AreEqual(new[] { 1, 2, 4 }, Numbers(result.JsonLines, "line"));
        CollectionAssert.AreEqual(new[] { "asarm: line 1", "asarm: line 2", "asarm: line 4" }, result.ErrorLines[..3].Select(line => line[..13]).ToArray());
        Assert.Contains("0 lines filled, 3 failed", result.Error);
    }

    [TestMethod]
    public void Infill_OutputThatIsTheInput_IsRefusedAndLeftAlone()
    {
        using var folder = new TemporaryFolder();
        string input = folder.Write("in.jsonl", Bytes(Good));
        Directory.CreateDirectory(folder.In("sub"));
        foreach (string output in new[] { input, folder.In("sub/../in.jsonl") })
            AsarmCommand.RunSmall("infill", "--input", input, "--output", output).IsBadInput("--output", "--input");
        Assert.AreEqual(Good, File.ReadAllText(input));
    }

    [TestMethod]
    [OSCondition(ConditionMode.Exclude, OperatingSystems.Windows)]
    public void Infill_OutputThatLinksToTheInput_IsRefusedAndLeftAlone()
    {
        using var folder = new TemporaryFolder();
        string input = folder.Write("in.jsonl", Bytes(Good));
        File.CreateSymbolicLink(folder.In("link.jsonl"), input);
        AsarmCommand.RunSmall("infill", "--input", input, "--output", folder.In("link.jsonl")).IsBadInput("--output", "--input");
        AsarmCommand.RunSmall("infill", "--input", folder.In("link.jsonl"), "--output", input).IsBadInput("--output", "--input");
        Assert.AreEqual(Good, File.ReadAllText(input));
    }

    [TestMethod]
    [OSCondition(ConditionMode.Exclude, OperatingSystems.Windows)]
    public void Infill_OutputThatIsTheInputByAnotherFolder_IsRefusedAndLeftAlone()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.In("real"));
        Directory.CreateSymbolicLink(folder.In("other"), folder.In("real"));
        File.WriteAllText(Path.Combine(folder.In("real"), "in.jsonl"), Good);
        AsarmCommand.RunSmall("infill", "--input", Path.Combine(folder.In("real"), "in.jsonl"), "--output", Path.Combine(folder.In("other"), "in.jsonl"))
            .IsBadInput("--output");
        Assert.AreEqual(Good, File.ReadAllText(Path.Combine(folder.In("real"), "in.jsonl")));
    }

    private static void IsReported(byte[] bad, string named)
    {
        AsarmResult result = AsarmCommand.RunSmallOn([.. Bytes(Good + "\n"), .. bad, .. Bytes("\n" + Good)], "infill", "--input", "-");
        Assert.AreEqual(1, result.ExitCode, result.Error);
        CollectionAssert.AreEqual(new[] { 1, 2, 3 }, Numbers(result.JsonLines, "line"));
        CollectionAssert.AreEqual(new[] { "line", "error" }, result.JsonLines[1].EnumerateObject().Select(field => field.Name).ToArray());
        Assert.HasCount(2, result.ErrorLines, result.Error);
        Assert.AreEqual("asarm: line 2: " + result.JsonLines[1].GetProperty("error").GetString(), result.ErrorLines[0]);
        Assert.Contains(named, result.ErrorLines[0]);
        Assert.AreEqual("2 lines filled, 1 failed", result.ErrorLines[1]);
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Text(JsonElement json) => json.GetProperty("text").GetString()!;

    private static int[] Numbers(JsonElement[] lines, string field) => [.. lines.Select(line => line.GetProperty(field).GetInt32())];
}
