using System.Text.Json;
using AsArm.Cli.Tests.Support;

namespace AsArm.Cli.Tests.Commands;

/// <summary>Folders whose tokenizer is a byte-level BPE.</summary>
[TestClass]
public sealed class ByteLevelTests
{
    [TestMethod]
    public void Commands_FolderWithAByteLevelBpe_WorkAsWithSentencePiece()
    {
        using ModelCopy model = CreateModel();
        JsonElement tokens = AsarmCommand.Run("tokens", "The cat <mask:2> 🙂\n", "--json", "--pieces", "--model", model.Path).Done().Json;
        string[] pieces = [.. tokens.GetProperty("pieces").EnumerateArray().Select(piece => piece.GetProperty("piece").GetString()!)];
        Assert.AreEqual(2, tokens.GetProperty("gaps").GetInt64());
        CollectionAssert.IsSubsetOf(new[] { "The", "<mask>", "Ċ" }, pieces);
        Assert.AreEqual("ĠðŁĻĤ", string.Concat(pieces[^5..^1]).Replace("<mask>", "", StringComparison.Ordinal));
        Assert.Contains("byte-level BPE tokenizer", AsarmCommand.Run("info", "--model", model.Path).Done().Output);
        string text = AsarmCommand.Run("infill", "The cat <mask:2>, 🙂\té.", "--seed", "1", "--model", model.Path).Done().Output;
        Assert.StartsWith("The cat ", text);
        Assert.EndsWith(", 🙂\té.", text.TrimEnd('\n', '\r'));
        AsarmCommand.Run("score", "The [[cat]].", "--model", model.Path).Done();
    }

    [TestMethod]
    [DataRow("vocab.json", "{}", "no token of the byte 0")]
    [DataRow("merges.txt", "a b c", "line 1")]
    public void Commands_DamagedTokenizer_NameTheFile(string name, string content, string reason)
    {
        using ModelCopy model = CreateModel();
        model.Replace(name, _ => System.Text.Encoding.UTF8.GetBytes(content));
        foreach (string command in new[] { "tokens", "infill" })
            AsarmCommand.Run(command, "A <mask> day.", "--model", model.Path).IsBadInput(name, reason);
    }

    private static ModelCopy CreateModel()
    {
        var model = new ModelCopy(Models.Text);
        File.Delete(model.In("spiece.model"));
        model.EditManifest(manifest =>
        {
            manifest["tokenizer"] = "byte-level-bpe";
            manifest["files"]!.AsObject().Remove("spiece.model");
        });
        foreach (string name in new[] { "vocab.json", "merges.txt" })
        {
            File.Copy(Path.Combine(Models.ByteLevel, name), model.In(name));
            model.Replace(name, content => content);
        }

        return model;
    }
}
