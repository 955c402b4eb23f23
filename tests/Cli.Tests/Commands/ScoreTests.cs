using System.Text.Json;
using AsArm.Cli.Tests.Support;

namespace AsArm.Cli.Tests.Commands;

[TestClass]
public sealed class ScoreTests
{
    [TestMethod]
    public void Score_WithoutTheCache_IsTheSame()
    {
        const string Text = "The [[little]] dog lost his [[shoes]].";
        double[] scores = [.. new[] { Array.Empty<string>(), ["--no-cache"] }.Select(
            options => AsarmCommand.Run(["score", Text, "--float32", "--json", .. options]).Done().Json.GetProperty("log_prob").GetDouble())];
        Assert.AreEqual(scores[0], scores[1], 1e-4);
    }

    [TestMethod]
    public void Score_Plain_ListsTheSpansAndTheirJoint()
    {
        AsarmResult result = AsarmCommand.RunSmall("score", "Tom [[was happy]] and [[sang]].").Done();
        Assert.AreEqual("", result.Error);
        foreach (string row in new[] { "was happy", "sang", "jointly" })
            Assert.Contains(row, result.Output);
    }

    [TestMethod]
    public void Score_OneSpanPlain_HasNoRowForTheJoint() =>
        Assert.DoesNotContain("jointly", AsarmCommand.RunSmall("score", "Tom [[was happy]].").Done().Output);

    [TestMethod]
    public void Score_Json_HasTheJointAndEachSpan()
    {
        JsonElement json = Score("[[Tom]] was [[very happy]] and sang [[a song]]");
        CollectionAssert.AreEquivalent(new[] { "log_prob", "tokens", "spans" }, json.EnumerateObject().Select(field => field.Name).ToArray());
        JsonElement[] spans = [.. json.GetProperty("spans").EnumerateArray()];
        CollectionAssert.AreEqual(new[] { "Tom", "very happy", "a song" }, spans.Select(span => span.GetProperty("text").GetString()).ToArray());
        foreach (JsonElement span in spans)
        {
            CollectionAssert.AreEquivalent(new[] { "text", "log_prob", "tokens" }, span.EnumerateObject().Select(field => field.Name).ToArray());
            Assert.IsLessThan(0, LogProbability(span));
            Assert.IsGreaterThan(0, span.GetProperty("tokens").GetInt32());
        }

        Assert.AreEqual(spans.Sum(LogProbability), LogProbability(json), 1e-9);
        Assert.AreEqual(spans.Sum(span => span.GetProperty("tokens").GetInt32()), json.GetProperty("tokens").GetInt32());
    }

    [TestMethod]
    public void Score_PerWordAndToken_AddUpToTheSpans()
    {
        const string Text = "The [[little dog]] ran [[home]].";
        JsonElement words = AsarmCommand.RunSmall("score", Text, "--json", "--per", "word").Done().Json, tokens = AsarmCommand.RunSmall("score", Text, "--json", "--per", "token", "--pseudo").Done().Json;
        CollectionAssert.AreEqual(new[] { "little", "dog" }, words.GetProperty("spans")[0].GetProperty("words").EnumerateArray().Select(word => word.GetProperty("text").GetString()).ToArray());
        foreach ((JsonElement byWord, JsonElement byToken) in words.GetProperty("spans").EnumerateArray().Zip(tokens.GetProperty("spans").EnumerateArray()))
        {
            Assert.AreEqual(LogProbability(byWord), byWord.GetProperty("words").EnumerateArray().Sum(LogProbability), 1e-9);
            JsonElement[] details = [.. byToken.GetProperty("token_details").EnumerateArray()];
            CollectionAssert.AreEquivalent(new[] { "id", "text", "log_prob", "entropy", "pseudo_log_prob", "rank" }, details[0].EnumerateObject().Select(field => field.Name).ToArray());
            Assert.AreEqual(LogProbability(byToken), details.Sum(LogProbability), 1e-9);
            Assert.AreEqual(byToken.GetProperty("pseudo_log_likelihood").GetDouble(), details.Sum(token => token.GetProperty("pseudo_log_prob").GetDouble()), 1e-9);
        }
    }

    [TestMethod]
    [DataRow("word", "nats per token")]
    [DataRow("token", "entropy")]
    public void Score_PerWordOrTokenPlain_HasARowForEach(string detail, string column)
    {
        string table = AsarmCommand.RunSmall("score", "--whole", "The little dog.", "--per", detail, "--pseudo").Done().Output;
        foreach (string text in new[] { detail, column, "pseudo", "all, jointly" })
            Assert.Contains(text, table);
        if (detail == "word")
            Assert.Contains("dog.", table);
    }

    /// <summary>The whole text is what a span around it would be, but nothing in it is markup.</summary>
    [TestMethod]
    public void Score_Whole_IsOneSpan()
    {
        double whole = LogProbability(AsarmCommand.RunSmall("score", "--whole", "The little dog.", "--json").Done().Json);
        Assert.AreEqual(LogProbability(AsarmCommand.RunSmall("score", "[[The little dog.]]", "--json").Done().Json), whole, 1e-6);
        Assert.AreEqual("A [[b]].", AsarmCommand.Run("score", "--whole", "A [[b]].", "--json").Done().Json.GetProperty("spans")[0].GetProperty("text").GetString());
    }

    [TestMethod]
    [DataRow("[[All of it]]")]
    [DataRow("[[One]][[after]] the other")]
    [DataRow("@x [[marked]] ]] text")]
    [DataRow(@"Escaped \[[ and \< but [[this]]")]
    [DataRow("日本 [[cat]] 😀")]
    public void Score_UnusualText_IsScored(string text) => Assert.IsLessThan(0, LogProbability(AsarmCommand.RunSmall("score", text, "--json").Done().Json));

    /// <summary>What follows a span changes its score: the model sees both sides.</summary>
    [TestMethod]
    public void Score_OtherTextAfterTheSpan_ChangesTheScore() =>
        Assert.AreNotEqual(LogProbability(Score("Tom [[was]] happy.")), LogProbability(Score("Tom [[was]] the the the.")));

    /// <summary>
    /// Both commands use the same distribution. Only words that are one token each are compared, for a filled text may be tokenised
    /// differently than it was sampled; among many samples some qualify.
    /// </summary>
    [TestMethod]
    public void Score_OfAFilledText_EqualsTheLogProbabilityOfItsTokens()
    {
        AsarmResult filled = AsarmCommand.Run(
            "infill", "Once upon a time there was a little <mask> who loved to <mask> every day.", "--samples", "64", "--seed", "1", "--float32", "--json").Done();
        foreach (JsonElement sample in filled.Json.GetProperty("samples").EnumerateArray())
        {
            string[] gaps = [.. sample.GetProperty("gaps").EnumerateArray().Select(gap => gap.GetString()!)];
            if (!gaps.All(gap => gap.Length > 2 && gap.All(char.IsAsciiLetter)))
                continue;
            JsonElement score = Score($"Once upon a time there was a little [[{gaps[0]}]] who loved to [[{gaps[1]}]] every day.", "--float32");
            if (score.GetProperty("tokens").GetInt32() != 2)
                continue;
            Assert.AreEqual(LogProbability(sample), LogProbability(score), 1e-3, sample.GetProperty("text").GetString());
            return;
        }

        Assert.Fail("No sample of 64 has a whole word in each gap.");
    }

    private static JsonElement Score(string text, params string[] options) => AsarmCommand.Run(["score", text, "--json", .. options]).Done().Json;

    private static double LogProbability(JsonElement json) => json.GetProperty("log_prob").GetDouble();
}
