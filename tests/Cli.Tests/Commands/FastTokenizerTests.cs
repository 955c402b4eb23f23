using System.Text.Json.Nodes;
using AsArm.Cli.Tests.Support;

namespace AsArm.Cli.Tests.Commands;

/// <summary>Folders whose text rules are those of Hugging Face's fast tokenizers.</summary>
[TestClass]
public sealed class FastTokenizerTests
{
    private static ModelCopy With(string added)
    {
        var rules = JsonNode.Parse($$"""{"backend": "tokenizers", "split_digit_commas": false, "added_tokens": [{{added}}]}""");
        return new ModelCopy(Models.Default).EditManifest(manifest => manifest["text_rules"] = rules);
    }

    /// <summary>A special token by its name in the text cuts it; without the list it is text of more tokens.</summary>
    [TestMethod]
    public void Score_NameOfAnAddedToken_IsOneToken()
    {
        using ModelCopy with = With("""{"id": 4}"""), without = With("");
        double[] scores = [.. new[] { with, without }.Select(model => AsarmCommand.Run("score", "A fine <sep> day[[.]]", "--json", "--model", model.Path).Done().Json.GetProperty("log_prob").GetDouble())];
        Assert.AreNotEqual(scores[0], scores[1]);
        StringAssert.Contains(AsarmCommand.Run("info", "--model", with.Path).Done().Output, "XLNet's rules, as the fast tokenizer");
    }

    [TestMethod]
    public void Infill_AddedTokenBesideTheTokenizer_IsNamed()
    {
        using ModelCopy model = With("""{"id": 999999}""");
        AsarmCommand.Run("infill", "A <mask> day.", "--model", model.Path).IsBadInput("spiece.model", "no piece 999999");
    }
}
