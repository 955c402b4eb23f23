using System.Text;
using System.Text.Json;
using AsArm.Cli.Tests.Support;

namespace AsArm.Cli.Tests.Commands;

/// <summary>The fields of the lines of asarm infill --input, as docs/json-lines.md has them.</summary>
[TestClass]
public sealed class JsonFieldsTests
{
    private const string Gap = "Once there was <mask:5> who had <mask:3>.";

    /// <summary>Any JSON value, as it was written, on lines that are filled and on lines that are not.</summary>
    [TestMethod]
    public void Infill_Id_IsCarriedAsItWasWritten()
    {
        string[] ids = ["7", "1e400", "12345678901234567890123", "\"a\"", "\"\\u0041 😀 \\ud800\"", "null", "true", "[1,  {\"a\": [ ]}]", "{\"id\": 1, \"id\": 2}"];
        string input = string.Join('\n', ids.SelectMany(id => new[]
        {
            $$"""{"id": {{id}}, "text": "A <mask> day.", "seed": 1}""",
            $$"""{"text": "No gap.", "id": {{id}}}""",
            $$"""{"unknown": 1, "id": {{id}}}""",
        }));
        AsarmResult result = RunOn(input);
        Assert.AreEqual(1, result.ExitCode);
        Assert.HasCount(3 * ids.Length, result.OutputLines);
        for (int i = 0; i < result.OutputLines.Length; i++)
            Assert.StartsWith($"{{\"id\":{ids[i / 3]},\"line\":{i + 1},\"{(i % 3 == 0 ? "text" : "error")}\":", result.OutputLines[i]);
    }

    [TestMethod]
    public void Infill_LineWithoutId_HasNone() =>
        Assert.IsFalse(RunOn("""{"text": "A <mask> day."}""").Done().JsonLines.Single().TryGetProperty("id", out _));

    /// <summary>Each option of a line is that of the command line.</summary>
    [TestMethod]
    [DataRow("""
        "sampler": "assd", "order": "random", "draft_length": 3
        """, "--sampler", "assd", "--order", "random", "--draft-length", "3")]
    [DataRow("""
        "sampler": "sequential", "order": "right-to-left", "temperature": 0.6
        """, "--sampler", "sequential", "--order", "right-to-left", "--temperature", "0.6")]
    [DataRow("""
        "temperature": 0, "sampler": "sequential", "gap_spacing": "model"
        """, "--temperature", "0", "--sampler", "sequential", "--gap-spacing", "model")]
    [DataRow("""
        "top_k": 3
        """, "--top-k", "3")]
    [DataRow("""
        "top_p": 0.4
        """, "--top-p", "0.4")]
    [DataRow("""
        "temperature": 1.7
        """, "--temperature", "1.7")]
    public void Infill_OptionsOfALine_AreThoseOfTheCommand(string fields, params string[] options)
    {
        JsonElement[] lines = RunOn(
            $$"""
            {"text": "{{Gap}}", "seed": 5, {{fields}}}
            {"text": "{{Gap}}", "seed": 5}
            """).Done().JsonLines;
        JsonElement single = AsarmCommand.RunSmall(["infill", Gap, "--seed", "5", "--draft-mode", "throughput", "--json", .. options]).Done().Json;
        foreach (string name in new[] { "text", "log_prob", "sampler", "nfe" })
            Assert.AreEqual(single.GetProperty(name).GetRawText(), lines[0].GetProperty(name).GetRawText());
        Assert.AreNotEqual(lines[1].GetProperty("log_prob").GetDouble(), lines[0].GetProperty("log_prob").GetDouble(), "The option has an effect.");
    }

    /// <summary>Null is as left out: the options of the command hold.</summary>
    [TestMethod]
    public void Infill_NullFields_MeanNone()
    {
        AsarmResult result = RunOn(
            $$"""
            {"text": "{{Gap}}", "seed": null, "temperature": null, "top_k": null, "top_p": null, "order": null, "sampler": null, "draft_length": null, "gap_spacing": null, "samples": null}
            {"text": "{{Gap}}", "seed": 3}
            """,
            "--seed", "3", "--temperature", "0.7", "--sampler", "assd").Done();
        Assert.AreEqual(result.JsonLines[1].GetProperty("text").GetString(), result.JsonLines[0].GetProperty("text").GetString());
        Assert.AreEqual("assd", result.JsonLines[0].GetProperty("sampler").GetString());
    }

    [TestMethod]
    public void Infill_Samples_AreThoseOfTheCommand()
    {
        JsonElement[] lines = RunOn(
            $$"""
            {"id": "x", "text": "{{Gap}}", "seed": 5, "samples": 20}
            {"text": "{{Gap}}", "seed": 5, "samples": 1}
            {"text": "{{Gap}}", "samples": 2}
            """).Done().JsonLines;
        CollectionAssert.AreEqual(new[] { "id", "line", "samples" }, lines[0].EnumerateObject().Select(field => field.Name).ToArray());
        JsonElement expected = AsarmCommand.RunSmall("infill", Gap, "--seed", "5", "--samples", "20", "--json").Done().Json;
        CollectionAssert.AreEqual(Texts(expected), Texts(lines[0]));
        CollectionAssert.AreEqual(Texts(expected)[..1], Texts(lines[1]));
        long[] drawn = [.. lines[2].GetProperty("samples").EnumerateArray().Select(sample => sample.GetProperty("seed").GetInt64())];
        Assert.AreEqual(drawn[0] + 1, drawn[1]);
    }

    [TestMethod]
    public void Infill_SamplesOfATextThatCannotBeFilled_AreOneError()
    {
        AsarmResult result = RunOn("""{"text": "No gap.", "samples": 1000}""");
        Assert.AreEqual(1, result.ExitCode);
        Assert.Contains("no gap", result.JsonLines.Single().GetProperty("error").GetString()!);
        Assert.HasCount(2, result.ErrorLines);
    }

    [TestMethod]
    public void Infill_SamplesOfTooManyCharactersTogether_AreRefusedByName()
    {
        string text = new string('a', 1_000_000) + " <mask>";
        AsarmResult result = RunOn($$"""{"text": "{{text}}", "window": true, "samples": 100}""");
        Assert.AreEqual(1, result.ExitCode);
        Assert.Contains("100 samples of 1000007 characters", result.JsonLines.Single().GetProperty("error").GetString()!);
    }

    [TestMethod]
    [DataRow("\"temprature\": 0.5", "\"temprature\"", "\"temperature\"")]
    [DataRow("\"Seed\": 1", "\"Seed\"")]
    [DataRow("\"mask\": null", "\"mask\"")]
    [DataRow("\"seed\": 1, \"seed\": 1", "\"seed\" occurs twice")]
    [DataRow("\"text\": \"A <mask>.\"", "\"text\" occurs twice")]
    [DataRow("\"id\": 1, \"id\": 1", "\"id\" occurs twice")]
    [DataRow("\"seed\": true", "\"seed\" must be an integer of 64 bits, not true")]
    [DataRow("\"seed\": 1.5", "\"seed\" must be an integer of 64 bits, not 1.5")]
    [DataRow("\"temperature\": -1", "\"temperature\" must be", "-1")]
    [DataRow("\"temperature\": \"0.5\"", "\"temperature\" must be", "\"0.5\"")]
    [DataRow("\"temperature\": 1e999", "\"temperature\" must be")]
    [DataRow("\"top_k\": 0", "\"top_k\" must be an integer from 1 to 2147483647")]
    [DataRow("\"top_p\": 1.1", "\"top_p\" must be in (0, 1]")]
    [DataRow("\"draft_length\": 0", "\"draft_length\" must be")]
    [DataRow("\"samples\": 0", "\"samples\" must be an integer from 1 to 10000, not 0")]
    [DataRow("\"samples\": 10001", "10000")]
    [DataRow("\"samples\": 2, \"seed\": 9223372036854775807", "2 seeds from 9223372036854775807 go past")]
    [DataRow("\"order\": \"sideways\"", "\"order\" must be left-to-right, right-to-left, random, not \"sideways\"")]
    [DataRow("\"gap_spacing\": \"wide\"", "\"gap_spacing\" must be typed, model")]
    [DataRow("\"sampler\": 3", "\"sampler\" must be fused")]
    [DataRow("\"sampler\": \"ASSD\"", "\"sampler\" must be fused")]
    public void Infill_FieldThatCannotBe_IsNamed(string fields, params string[] named)
    {
        AsarmResult result = RunOn($$"""{"text": "A <mask> day.", {{fields}}}""");
        Assert.AreEqual(1, result.ExitCode);
        string error = result.JsonLines.Single().GetProperty("error").GetString()!;
        foreach (string name in named)
            Assert.Contains(name, error);
        Assert.AreEqual($"asarm: line 1: {error}", result.ErrorLines[0]);
        Assert.DoesNotContain("System.", error);
    }

    [TestMethod]
    [DataRow("{\"text\": \"A <mask> day.\",}")]
    [DataRow("{'text': 1}")]
    [DataRow("{")]
    [DataRow("nul")]
    [DataRow("{\"text\": 00}")]
    public void Infill_BrokenJson_SaysWhereWithoutTheWordsOfALibrary(string line)
    {
        string error = RunOn(line).JsonLines.Single().GetProperty("error").GetString()!;
        Assert.MatchesRegex("^not valid JSON at byte [0-9]+$", error);
    }

    /// <summary>A line beyond the limit is skipped; the lines around it are filled, and so is a line of exactly the maximum length, as far as the text goes.</summary>
    [TestMethod]
    public void Infill_LineLongerThanTheLimit_IsReportedAndSkipped()
    {
        const string Good = """{"text": "A <mask> day."}""";
        byte[] padded = [.. Encoding.UTF8.GetBytes(Good), .. Enumerable.Repeat((byte)' ', (16 << 20) - Good.Length)];
        byte[] input = [.. Encoding.UTF8.GetBytes(Good + "\n"), .. padded, (byte)' ', (byte)'\n', .. padded, (byte)'\n', .. Encoding.UTF8.GetBytes(Good)];
        JsonElement[] lines = AsarmCommand.RunSmallOn(input, "infill", "--input", "-").JsonLines;
        CollectionAssert.AreEqual(
            new[] { true, false, true, true }, lines.Select(line => line.TryGetProperty("text", out _)).ToArray());
        Assert.AreEqual("longer than 16 MiB", lines[1].GetProperty("error").GetString());
    }

    /// <summary>Only what JSON demands is escaped, and what would end a line for some readers.</summary>
    [TestMethod]
    public void Command_LettersOfAllPlanes_AreNotEscaped()
    {
        const string Letters = "😀👩\u200D👧 𝒳 𠀀 é\u00A0\u3000 <&>'+` \uE000";
        string line = JsonSerializer.Serialize(new { text = Letters + " \u2028\u0085\"\\ <mask>" });
        string[] outputs = [
            AsarmCommand.RunSmall("infill", Letters + " \u2028\u0085\"\\ <mask>", "--json").Done().Output,
            AsarmCommand.RunSmall("infill", Letters + " \u2028\u0085\"\\ <mask>", "--json", "--samples", "1").Done().Output,
            RunOn(line).Done().Output,
        ];
        foreach (string output in outputs)
            Assert.Contains($"\"text\":\"{Letters} \\u2028\\u0085\\\"\\\\", output);
        Assert.Contains("\"text\":\"day\"", AsarmCommand.RunSmall("score", Letters + " [[day]]", "--json").Done().Output);
    }

    [TestMethod]
    public void Infill_OneOfEach_IsSingular()
    {
        AsarmResult result = AsarmCommand.RunSmall("infill", "A <mask> day.", "--seed", "1").Done();
        Assert.StartsWith("1 token in 1 forward pass (fused)", result.Error);
        Assert.StartsWith("2 tokens in 2 forward passes (", AsarmCommand.RunSmall("infill", "A <mask:2> day.", "--sampler", "sequential").Done().Error);
        Assert.AreEqual("1 line filled, 0 failed", RunOn("""{"text": "A <mask> day."}""").Done().ErrorLines.Single());
    }

    [TestMethod]
    [DataRow("infill", "A <mask> day.")]
    [DataRow("bench")]
    public void Command_TooManyThreads_NamesBothBounds(params string[] arguments) =>
        AsarmCommand.RunSmall([.. arguments, "--threads", "100000"]).IsBadInput("--threads must be an integer from 1 to 1024, not '100000'");

    private static AsarmResult RunOn(string input, params string[] options) =>
        AsarmCommand.RunSmallOn(Encoding.UTF8.GetBytes(input), ["infill", "--input", "-", .. options]);

    private static string[] Texts(JsonElement samples) =>
        [.. samples.GetProperty("samples").EnumerateArray().Select(sample => sample.GetProperty("text").GetString()!)];
}
