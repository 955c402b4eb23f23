using System.Text.Json;
using AsArm.Cli.Tests.Support;

namespace AsArm.Cli.Tests.Commands;

/// <summary>asarm tokens: the count that infill compares with the model's maximum length.</summary>
[TestClass]
public sealed class TokensTests
{
    [TestMethod]
    [DataRow("The little dog <mask:4> the garden.", 10, 6, 4, 0)]
    [DataRow("The little dog.", 4, 4, 0, 0)]
    [DataRow("<mask:3>", 4, 0, 3, 1)]
    [DataRow(@"\<mask>", 2, 2, 0, 0)]
    [DataRow("<mask:99999999999> day", 100000000001, 1, 99999999999, 1)]
    [DataRow("", 0, 0, 0, 0)]
    public void Tokens_Json_HasTheCounts(string text, long tokens, long given, long gaps, long separator)
    {
        JsonElement json = AsarmCommand.Run("tokens", text, "--json").Done().Json;
        Assert.AreEqual(
            (tokens, given, gaps, separator), (Number(json, "tokens"), Number(json, "given"), Number(json, "gaps"), Number(json, "separator")));
        Assert.AreEqual(Models.DefaultMaxLength, Number(json, "maximum"));
        Assert.AreEqual(tokens <= Models.DefaultMaxLength, json.GetProperty("fits").GetBoolean());
        Assert.AreEqual(Models.DefaultName, json.GetProperty("model").GetString());
    }

    [TestMethod]
    public void Tokens_Plain_SaysTheCountAndTheMaximum()
    {
        string[] lines = AsarmCommand.Run("tokens", "<mask:3> day.").Done().OutputLines;
        Assert.AreEqual("6 tokens: 2 given, 3 in gaps, 1 separator before the gap at the beginning", lines[0]);
        Assert.AreEqual($"{Models.DefaultName} takes {Models.DefaultMaxLength}", lines[1]);
        Assert.HasCount(2, lines);
        Assert.Contains("too long, see infill --window", AsarmCommand.Run("tokens", $"<mask:{Models.DefaultMaxLength}> day.").Done().Output);
    }

    /// <summary>One token more than the maximum is refused, with the same number.</summary>
    [TestMethod]
    [DataRow("A day ", "")]
    [DataRow("", " was a day.")]
    [DataRow("", "")]
    public void Tokens_OfTheLongestTextThatFits_AreTheMaximum(string before, string after)
    {
        int maximum = Models.TextMaxLength;
        long others = Number(AsarmCommand.RunSmall("tokens", $"{before}<mask>{after}", "--json").Done().Json, "tokens") - 1;
        string fits = $"{before}<mask:{maximum - others}>{after}", exceeds = $"{before}<mask:{maximum - others + 1}>{after}";
        Assert.AreEqual(maximum, Number(AsarmCommand.RunSmall("tokens", fits, "--json").Done().Json, "tokens"));
        AsarmCommand.RunSmall("infill", fits, "--top-k", "1", "--sampler", "parallel").Done();
        AsarmCommand.RunSmall("infill", exceeds).IsBadInput($"{maximum + 1} tokens", $"takes {maximum}");
    }

    [TestMethod]
    public void Tokens_Pieces_AreThoseOfTheVocabulary()
    {
        JsonElement[] pieces = [.. AsarmCommand.Run("tokens", "<mask> dog 日.", "--json", "--pieces").Done().Json.GetProperty("pieces").EnumerateArray()];
        CollectionAssert.AreEqual(
            new[] { "<eod>", "<mask>", "▁dog", "▁", "<unk>", "." }, pieces.Select(piece => piece.GetProperty("piece").GetString()).ToArray());
        string output = AsarmCommand.Run("tokens", "The dogs", "--pieces").Done().Output;
        Assert.Contains("▁The", output);
        Assert.Contains("▁dog", output);
    }

    [TestMethod]
    public void Tokens_BadText_IsNamed()
    {
        AsarmCommand.Run("tokens", "A <mask:0> day.").IsBadInput("character 2");
        AsarmCommand.Run("tokens").IsBadInput("'tokens'");
        AsarmCommand.Run("tokens", "x", "--model", "none").IsBadInput("none");
    }

    private static long Number(JsonElement json, string name) => json.GetProperty(name).GetInt64();
}
