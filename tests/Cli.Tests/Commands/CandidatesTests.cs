using System.Text.Json;
using AsArm.Cli.Tests.Support;

namespace AsArm.Cli.Tests.Commands;

/// <summary>asarm candidates.</summary>
[TestClass]
public sealed class CandidatesTests
{
    private const string Text = "The <mask> sat on <mask:2>.";

    [TestMethod]
    public void Candidates_Json_HasFillingsWithProbabilities()
    {
        JsonElement json = AsarmCommand.RunSmall("candidates", Text, "--top", "3", "--json").Done().Json;
        CollectionAssert.AreEqual(new[] { "gaps", "model", "device" }, json.EnumerateObject().Select(field => field.Name).ToArray());
        JsonElement[] gaps = [.. json.GetProperty("gaps").EnumerateArray()];
        CollectionAssert.AreEqual(new[] { "<mask:1>", "<mask:2>" }, gaps.Select(gap => gap.GetProperty("markup").GetString()).ToArray());
        Assert.AreEqual("exact", gaps[0].GetProperty("accuracy").GetString());
        Assert.IsTrue(gaps[0].GetProperty("complete").GetBoolean());
        foreach ((JsonElement gap, int length) in gaps.Zip(new[] { 1, 2 }))
        {
            JsonElement[] candidates = [.. gap.GetProperty("candidates").EnumerateArray()];
            Assert.HasCount(3, candidates);
            double[] probabilities = [.. candidates.Select(one => one.GetProperty("probability").GetDouble())];
            CollectionAssert.AreEqual(probabilities.OrderDescending().ToArray(), probabilities);
            foreach (JsonElement one in candidates)
            {
                JsonElement[] tokens = [.. one.GetProperty("token_details").EnumerateArray()];
                Assert.HasCount(length, tokens);
                Assert.AreEqual(one.GetProperty("text").GetString(), string.Concat(tokens.Select(token => token.GetProperty("text").GetString())));
                Assert.AreEqual(one.GetProperty("log_prob").GetDouble(), tokens.Sum(token => token.GetProperty("log_prob").GetDouble()), 1e-9);
                Assert.AreEqual(one.GetProperty("probability").GetDouble(), Math.Exp(one.GetProperty("log_prob").GetDouble()), 1e-12);
            }
        }
    }

    /// <summary>The table has what JSON has; where the search may have missed something, it is said.</summary>
    [TestMethod]
    public void Candidates_Plain_ListsThemByGap()
    {
        JsonElement gap = AsarmCommand.RunSmall("candidates", Text, "--top", "3", "--beams", "1", "--json").Done().Json.GetProperty("gaps")[1];
        Assert.AreEqual("exact", gap.GetProperty("accuracy").GetString());
        Assert.IsFalse(gap.GetProperty("complete").GetBoolean(), "Random weights are too flat for so few beams to be certain.");
        AsarmResult result = AsarmCommand.RunSmall("candidates", Text, "--top", "3", "--beams", "1").Done();
        Assert.Contains("filling of gap 1", result.Output);
        Assert.Contains("filling of gap 2", result.Output);
        foreach (JsonElement one in gap.GetProperty("candidates").EnumerateArray())
            Assert.Contains(FormattableString.Invariant($"{one.GetProperty("log_prob").GetDouble():F4}"), result.Output);
        Assert.AreEqual("gap 2: the search may have missed a filling, more --beams miss less", result.ErrorLines.Single());
        Assert.AreEqual("", AsarmCommand.RunSmall("candidates", "The <mask> sat.").Done().Error);
    }

    [TestMethod]
    public void Candidates_UnknownLength_AreOfSeveralLengths()
    {
        JsonElement gap = AsarmCommand.RunSmall("candidates", "The <mask:1-3> sat.", "--top", "30", "--json").Done().Json.GetProperty("gaps")[0];
        Assert.AreEqual("estimate", gap.GetProperty("accuracy").GetString());
        Assert.AreEqual(3, gap.GetProperty("lengths").GetArrayLength());
        Assert.AreEqual(30, gap.GetProperty("candidates").GetArrayLength());
        JsonElement flat = AsarmCommand.RunSmall("candidates", "The <mask:1-3> sat.", "--top", "30", "--json", "--length-prior", "flat").Done().Json.GetProperty("gaps")[0];
        Assert.AreNotEqual(gap.GetRawText(), flat.GetRawText());
        Assert.AreEqual("gap 1: 1 to 3 tokens (estimate)", AsarmCommand.RunSmall("candidates", "The <mask:1-3> sat.").Done().ErrorLines[0]);
    }

    [TestMethod]
    public void Candidates_Options_AreTaken()
    {
        Assert.AreEqual(5, Count("The <mask> sat."));
        Assert.AreEqual(40, Count("The <mask> sat.", "--top", "40"));
        string typed = AsarmCommand.RunSmall("candidates", "The <mask> sat.").Done().Output;
        Assert.AreNotEqual(typed, AsarmCommand.RunSmall("candidates", "The <mask> sat.", "--gap-spacing", "model").Done().Output);
    }

    [TestMethod]
    [DataRow("No gap.", "no gap")]
    [DataRow("A <mask:1-3> and <mask>.", "Gaps of unknown length are not supported for candidates beside other gaps")]
    [DataRow("A <mask:1-3>.", "The prior of lengths excludes every length", "--length-prior", "given:0,0,0,1")]
    [DataRow("A <mask:2>.", "--top must be at most 1024", "--top", "2000")]
    [DataRow("A <mask:400>.", "at most 131072 are evaluated", "--beams", "400")]
    [DataRow("A <mask>.", "--top must be", "--top", "0")]
    [DataRow("A <mask>.", "--beams must be an integer from 1 to 1024", "--beams", "1025")]
    public void Candidates_BadInput_IsNamed(string text, string named, params string[] options) => AsarmCommand.RunSmall(["candidates", text, .. options]).IsBadInput(named);

    private static int Count(string text, params string[] options) =>
        AsarmCommand.RunSmall(["candidates", text, "--json", .. options]).Done().Json.GetProperty("gaps")[0].GetProperty("candidates").GetArrayLength();
}
