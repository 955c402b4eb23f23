using System.Text;
using System.Text.Json;
using AsArm.Assd.Tests.Support;
using AsArm.Cli.Tests.Support;

namespace AsArm.Cli.Tests.Commands;

/// <summary>What asarm infill tells of each gap: the field gap_details of docs/json-lines.md, and the lines of figures of gaps of unknown length.</summary>
[TestClass]
public sealed class GapDetailsTests
{
    private const string Text = "The <mask:1-4> sat on <mask:2> and <mask:*>.";

    [TestMethod]
    public void Infill_UnknownLengths_AreTold()
    {
        JsonElement json = AsarmCommand.RunSmall("infill", Text, "--seed", "3", "--json").Done().Json;
        string[] gaps = [.. json.GetProperty("gaps").EnumerateArray().Select(gap => gap.GetString()!)];
        JsonElement[] details = Details(json);
        CollectionAssert.AreEqual(gaps, details.Select(gap => gap.GetProperty("text").GetString()).ToArray());
        CollectionAssert.AreEqual(new[] { "<mask:1-4>", "<mask:2>", "<mask:1-12>" }, Strings(details, "markup"));
        CollectionAssert.AreEqual(new[] { "estimate", "exact", "estimate" }, Strings(details, "accuracy"));
        CollectionAssert.AreEqual(new[] { "evidence", "sampling", "evidence" }, Strings(details, "method"));
        Assert.AreEqual(json.GetProperty("log_prob").GetDouble(), details.Sum(gap => gap.GetProperty("log_prob").GetDouble()), 1e-9);
        Assert.AreEqual(json.GetProperty("tokens").GetInt32(), details.Sum(gap => gap.GetProperty("tokens").GetInt32()));
        Assert.AreEqual(2, details[1].GetProperty("tokens").GetInt32());
        foreach ((int index, int count) in new[] { (0, 4), (2, 12) })
        {
            JsonElement[] lengths = [.. details[index].GetProperty("lengths").EnumerateArray()];
            CollectionAssert.AreEqual(Enumerable.Range(1, count).ToArray(), lengths.Select(one => one.GetProperty("tokens").GetInt32()).ToArray());
            Assert.AreEqual(1, lengths.Sum(one => one.GetProperty("probability").GetDouble()), 1e-9);
            Assert.IsInRange(1, count, details[index].GetProperty("tokens").GetInt32());
        }

        Assert.IsFalse(details[1].TryGetProperty("lengths", out _), "Its length was given.");
    }

    [TestMethod]
    public void Infill_LinesOfUnknownLengths_HaveTheSameDetails()
    {
        JsonElement single = AsarmCommand.RunSmall("infill", Text, "--seed", "3", "--draft-mode", "throughput", "--json").Done().Json;
        byte[] input = Encoding.UTF8.GetBytes($$"""{"text": "{{Text}}", "seed": 3}""");
        JsonElement line = AsarmCommand.RunSmallOn(input, "infill", "--input", "-").Done().JsonLines.Single();
        Assert.AreEqual(single.GetProperty("gap_details").GetRawText(), line.GetProperty("gap_details").GetRawText());
    }

    /// <summary>Choices, patterns and options for all gaps: in JSON, in lines of JSON, and in the lines of figures.</summary>
    [TestMethod]
    public void Infill_Conditions_AreTold()
    {
        JsonElement[] details = Details(AsarmCommand.RunSmall(
            "infill", "A <mask:\"cat|dog\"> or <mask:2,/[a-z ]+/>.", "--no-capitals", "--no-digits", "--no-punctuation", "--particles", "5", "--seed", "1", "--json").Done().Json);
        CollectionAssert.AreEqual(new[] { "cat", "dog" }, Strings([.. details[0].GetProperty("choices").EnumerateArray()], "text"));
        Assert.AreEqual("choice", details[0].GetProperty("method").GetString());
        Assert.MatchesRegex("^[a-z ]+$", details[1].GetProperty("text").GetString()!);
        Assert.IsGreaterThan(0, details[1].GetProperty("tries").GetInt32());
        string error = AsarmCommand.RunSmall("infill", "A <mask:\"cat|dog\"> or <mask:1,/xyzzy|zq/>.", "--particles", "5", "--seed", "1").Error;
        StringAssert.Contains(error, "cannot be filled");
    }

    [TestMethod]
    public void Infill_LinesWithConditions_HaveThem()
    {
        byte[] input = Encoding.UTF8.GetBytes("""
            {"text": "A <mask> or <mask>.", "only": ["cat", "dog"], "no_capitals": true, "no_punctuation": true, "seed": 1}
            {"text": "A <mask>.", "only": "cat"}
            {"text": "A <mask>.", "only": ["a b"]}
            {"text": "A <mask>.", "particles": 0}
            """);
        JsonElement[] lines = [.. AsarmCommand.RunSmallOn(input, "infill", "--input", "-").JsonLines];
        CollectionAssert.IsSubsetOf(lines[0].GetProperty("gaps").EnumerateArray().Select(gap => gap.GetString()).ToArray(), new[] { "cat", "dog" });
        Assert.IsTrue(Strings(Details(lines[0]), "method").All(method => method is "rejection" or "resampling"));
        StringAssert.Contains(lines[1].GetProperty("error").GetString(), "\"only\" must be an array of words");
        StringAssert.Contains(lines[2].GetProperty("error").GetString(), "\"only\": The word \"a b\" has white space.");
        StringAssert.Contains(lines[3].GetProperty("error").GetString(), "\"particles\" must be an integer from 1 to 10000");
    }

    [TestMethod]
    public void Infill_WordList_IsRead()
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, "cat\ndog\n");
            JsonElement json = AsarmCommand.RunSmall("infill", "A <mask>.", "--only", path, "--seed", "1", "--json").Done().Json;
            Assert.IsTrue(json.GetProperty("gaps")[0].GetString()!.ToUpperInvariant() is "CAT" or "DOG");
        }
        finally
        {
            File.Delete(path);
        }

        StringAssert.Contains(AsarmCommand.RunSmall("infill", "A <mask>.", "--only", path).Error, "The word list");
    }

    [TestMethod]
    public void Infill_ParallelSampler_IsAnEstimate()
    {
        JsonElement json = AsarmCommand.RunSmall("infill", "A <mask:2> day <mask:1-2>.", "--sampler", "parallel", "--json").Done().Json;
        CollectionAssert.AreEqual(new[] { "estimate", "estimate" }, Strings(Details(json), "accuracy"));
    }

    /// <summary>A line for each gap of unknown length, below the figures of the text, with the probability that JSON has.</summary>
    [TestMethod]
    public void Infill_UnknownLengths_HaveALineOfFiguresEach()
    {
        JsonElement[] details = Details(AsarmCommand.RunSmall("infill", Text, "--seed", "3", "--json").Done().Json);
        string[] lines = AsarmCommand.RunSmall("infill", Text, "--seed", "3").Done().ErrorLines;
        Assert.HasCount(3, lines);
        Assert.AreEqual(Figures(1, details[0]), lines[1]);
        Assert.AreEqual(Figures(3, details[2]), lines[2]);
    }

    /// <summary>Every text has details; tokens with their entropies are listed only where they were asked for.</summary>
    [TestMethod]
    public void Infill_TokenDetails_AddUpToTheGaps()
    {
        string[] plain = ["text", "markup", "tokens", "log_prob", "probability", "accuracy", "method"];
        JsonElement[] without = Details(AsarmCommand.RunSmall("infill", "A <mask:2> day <mask>.", "--seed", "1", "--json").Done().Json);
        JsonElement[] details = Details(AsarmCommand.RunSmall("infill", "A <mask:2> day <mask>.", "--seed", "1", "--json", "--token-details").Done().Json);
        foreach ((JsonElement gap, JsonElement other) in details.Zip(without))
        {
            CollectionAssert.AreEquivalent(plain, other.EnumerateObject().Select(field => field.Name).ToArray());
            CollectionAssert.AreEquivalent(plain.Append("token_details").ToArray(), gap.EnumerateObject().Select(field => field.Name).ToArray());
            JsonElement[] tokens = [.. gap.GetProperty("token_details").EnumerateArray()];
            CollectionAssert.AreEquivalent(new[] { "id", "text", "log_prob", "entropy", "rank" }, tokens[0].EnumerateObject().Select(field => field.Name).ToArray());
            Assert.AreEqual(gap.GetProperty("text").GetString(), string.Concat(tokens.Select(token => token.GetProperty("text").GetString())));
            Assert.AreEqual(gap.GetProperty("log_prob").GetDouble(), tokens.Sum(token => token.GetProperty("log_prob").GetDouble()), 1e-9);
            Assert.AreEqual(Math.Exp(gap.GetProperty("log_prob").GetDouble()), gap.GetProperty("probability").GetDouble(), 1e-12);
            Assert.AreEqual(other.GetProperty("log_prob").GetDouble(), gap.GetProperty("log_prob").GetDouble());
        }
    }

    [TestMethod]
    public void Infill_TokenDetailsInText_AreALineForEachGap()
    {
        string[] lines = AsarmCommand.RunSmall("infill", "A <mask:2> day <mask>.", "--seed", "1", "--token-details").Done().ErrorLines;
        Assert.HasCount(3, lines);
        Assert.MatchesRegex("^gap 1: \".*\" -[0-9.]+ \\(entropy [0-9.]+\\), \".*\" -[0-9.]+ \\(entropy [0-9.]+\\)$", lines[1]);
        Assert.StartsWith("gap 2: ", lines[2]);
    }

    [TestMethod]
    public void Infill_MinProbability_LeavesGapsOpen()
    {
        const string Markup = "A <mask:2> day \\<mask> <mask>.";
        AsarmResult result = AsarmCommand.RunSmall("infill", Markup, "--seed", "1", "--min-probability", "1").Done();
        Assert.AreEqual("A <mask:2> day \\<mask> <mask:1>.", result.OutputLines.Single(), "It can be filled again.");
        Assert.MatchesRegex("^gap 2: left open, as \".+\" has probability [0-9.E-]+$", result.ErrorLines[2]);
        JsonElement filled = AsarmCommand.RunSmall("infill", Markup, "--seed", "1", "--draft-mode", "throughput", "--json").Done().Json;
        byte[] input = Encoding.UTF8.GetBytes(JsonSerializer.Serialize(new { text = Markup, seed = 1, min_probability = 1 }));
        JsonElement open = AsarmCommand.RunSmallOn(input, "infill", "--input", "-").Done().JsonLines.Single();
        Assert.AreEqual("A <mask:2> day <mask> <mask:1>.", open.GetProperty("text").GetString());
        Assert.AreEqual("A <mask:2> day \\<mask> <mask:1>.", open.GetProperty("markup").GetString());
        Assert.IsFalse(filled.TryGetProperty("markup", out _));
        foreach ((JsonElement gap, JsonElement other) in Details(open).Zip(Details(filled)))
        {
            Assert.AreEqual(gap.GetProperty("markup").GetString(), gap.GetProperty("text").GetString());
            Assert.IsTrue(gap.GetProperty("abstained").GetBoolean());
            Assert.AreEqual(other.GetProperty("text").GetString(), gap.GetProperty("filling").GetString());
            Assert.AreEqual(other.GetProperty("probability").GetDouble(), gap.GetProperty("probability").GetDouble());
            Assert.IsFalse(other.TryGetProperty("abstained", out _));
        }
    }

    /// <summary>Each option of lengths changes the posterior, and a field of a line does what the option does.</summary>
    [TestMethod]
    [DataRow("--length-prior", "flat", "\"length_prior\": \"flat\"")]
    [DataRow("--length-prior", "poisson:3", "\"length_prior\": \"poisson:3\"")]
    [DataRow("--length-prior", "given:0,1,2.5,1", "\"length_prior\": \"given:0,1,2.5,1\"")]
    [DataRow("--length-fillings", "3", "\"length_fillings\": 3")]
    [DataRow("--length-suffix", "1", "\"length_suffix\": 1")]
    public void Infill_LengthOptions_ChangeThePosterior(string option, string value, string field)
    {
        const string Gap = "The <mask:1-4> sat on the mat.";
        string usual = Lengths(AsarmCommand.RunSmall("infill", Gap, "--seed", "1", "--json").Done().Json);
        string given = Lengths(AsarmCommand.RunSmall("infill", Gap, "--seed", "1", "--json", option, value).Done().Json);
        Assert.AreNotEqual(usual, given);
        byte[] input = Encoding.UTF8.GetBytes($$"""{"text": "{{Gap}}", "seed": 1, {{field}}}""");
        Assert.AreEqual(given, Lengths(AsarmCommand.RunSmallOn(input, "infill", "--input", "-").Done().JsonLines.Single()));
        input = Encoding.UTF8.GetBytes($$"""{"text": "{{Gap}}", "seed": 1}""");
        Assert.AreEqual(given, Lengths(AsarmCommand.RunSmallOn(input, "infill", "--input", "-", option, value).Done().JsonLines.Single()));
    }

    /// <summary>A model folder whose network ends open gaps with a special token: option and field, JSON and figures.</summary>
    [TestMethod]
    public void Infill_OpenGaps_AreTold()
    {
        const string Gap = "The <mask:1-4> sat on the mat.";
        using var folder = new TemporaryFolder(Models.Text);
        string manifest = File.ReadAllText(folder.In("asarm.json"));
        File.WriteAllText(folder.In("asarm.json"), manifest.Replace("\"mask_id\"", "\"gap_end_id\": 8, \"mask_id\"", StringComparison.Ordinal));
        JsonElement gap = Details(AsarmCommand.Run("infill", Gap, "--model", folder.Path, "--seed", "1", "--json", "--length-method", "open-gaps").Done().Json).Single();
        Assert.AreEqual("open-gap", gap.GetProperty("method").GetString());
        Assert.AreEqual(gap.GetProperty("log_prob").GetDouble() + gap.GetProperty("end_log_prob").GetDouble(), Math.Log(gap.GetProperty("probability").GetDouble()), 1e-9);
        Assert.IsFalse(gap.TryGetProperty("lengths", out _));
        byte[] input = Encoding.UTF8.GetBytes($$"""{"text": "{{Gap}}", "seed": 1, "length_method": "open-gaps"}""");
        JsonElement line = Details(AsarmCommand.RunOn(input, "infill", "--model", folder.Path, "--input", "-").Done().JsonLines.Single()).Single();
        Assert.AreEqual(gap.GetProperty("text").GetString(), line.GetProperty("text").GetString());
        string figures = AsarmCommand.Run("infill", Gap, "--model", folder.Path, "--seed", "1", "--length-method", "open-gaps").Done().Error;
        Assert.Contains("and the end, whose probability is ", figures);
    }

    /// <summary>Options that do not go with the text are named as they are here.</summary>
    [TestMethod]
    [DataRow("The <mask:1-3> sat.", "--order", "random")]
    [DataRow("The <mask:1,/[a-z]+/> sat.", "--sampler", "parallel")]
    public void Infill_OptionThatDoesNotGoWithTheText_IsNamed(string text, string option, string value)
    {
        AsarmResult result = AsarmCommand.RunSmall("infill", text, option, value);
        result.IsBadInput($"{option} must");
        Assert.DoesNotContain("Parameter", result.Error);
        byte[] input = Encoding.UTF8.GetBytes($$"""{"text": "{{text}}", "{{option[2..]}}": "{{value}}"}""");
        string error = AsarmCommand.RunSmallOn(input, "infill", "--input", "-").JsonLines.Single().GetProperty("error").GetString()!;
        Assert.StartsWith($"{option} must", error);
        Assert.DoesNotContain("Parameter", error);
    }

    [TestMethod]
    public void Infill_OpenGapsOfAnotherModel_AreRefused()
    {
        AsarmCommand.RunSmall("infill", "The <mask:1-4> sat.", "--length-method", "open-gaps").IsBadInput("not trained with open gaps");
        AsarmCommand.RunSmall("infill", "The <mask:1-4> sat.", "--length-method", "open").IsBadInput("length-method 'open'", "evidence, open-gaps");
    }

    [TestMethod]
    [DataRow("--length-prior", "poison:3")]
    [DataRow("--length-prior", "poisson:0")]
    [DataRow("--length-prior", "poisson")]
    [DataRow("--length-prior", "given:")]
    [DataRow("--length-prior", "given:0,0")]
    [DataRow("--length-prior", "given:1,-1")]
    [DataRow("--length-prior", "flat:1")]
    [DataRow("--length-fillings", "17")]
    [DataRow("--length-suffix", "0")]
    [DataRow("--min-probability", "0")]
    [DataRow("--min-probability", "1.1")]
    public void Infill_OptionOutOfRange_IsNamed(string option, string value)
    {
        AsarmCommand.RunSmall("infill", "The <mask:1-4> sat.", option, value).IsBadInput($"{option} must be", $"'{value}'");
        string field = option[2..].Replace('-', '_'), json = double.TryParse(value, out _) ? value : JsonSerializer.Serialize(value);
        AsarmResult line = AsarmCommand.RunSmallOn(Encoding.UTF8.GetBytes($$"""{"text": "The <mask>.", "{{field}}": {{json}}}"""), "infill", "--input", "-");
        Assert.StartsWith($"\"{field}\" must be", line.JsonLines.Single().GetProperty("error").GetString());
    }

    private static string Lengths(JsonElement json) => Details(json)[0].GetProperty("lengths").GetRawText();

    private static string Figures(int number, JsonElement gap)
    {
        int tokens = gap.GetProperty("tokens").GetInt32();
        JsonElement[] lengths = [.. gap.GetProperty("lengths").EnumerateArray()];
        double probability = lengths.Single(one => one.GetProperty("tokens").GetInt32() == tokens).GetProperty("probability").GetDouble();
        return FormattableString.Invariant($"gap {number}: {tokens} token{(tokens == 1 ? "" : "s")} of 1 to {lengths.Length}, probability {probability:F2} (estimate)");
    }

    private static JsonElement[] Details(JsonElement json) => [.. json.GetProperty("gap_details").EnumerateArray()];

    private static string?[] Strings(JsonElement[] objects, string field) => [.. objects.Select(one => one.GetProperty(field).GetString())];
}
