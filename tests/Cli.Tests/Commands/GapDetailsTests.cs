using System.Text;
using System.Text.Json;
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
