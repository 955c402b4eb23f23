using System.Text.Json.Nodes;
using AsArm.Assd.Tests.Support;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Tests.ModelFolders;
using AsArm.Inference.Text;

namespace AsArm.Inference.Tests.Support;

/// <summary>Copies of the network with random weights, with a byte-level BPE of 965 tokens in place of its SentencePiece model.</summary>
internal static class ByteLevelFolder
{
    /// <summary>Writes a folder, which the caller deletes.</summary>
    public static TemporaryFolder Create()
    {
        var folder = new TemporaryFolder(Files.Text);
        File.Delete(folder.In("spiece.model"));
        ManifestText.Edit(folder, manifest =>
        {
            manifest["tokenizer"] = "byte-level-bpe";
            manifest["files"]!.AsObject().Remove("spiece.model");
        });
        foreach (string name in new[] { "vocab.json", "merges.txt" })
            ManifestText.ReplaceFile(folder, name, File.ReadAllBytes(Files.Golden("tokenizer/byte_level/" + name)));
        return folder;
    }

    /// <summary>The tokenizer of such a folder.</summary>
    public static InfillTokenizer OpenTokenizer()
    {
        using TemporaryFolder folder = Create();
        return InfillTokenizer.Open(ModelFolder.Open(folder.Path));
    }

    /// <summary>Writes a folder with another vocab.json.</summary>
    public static TemporaryFolder WithVocabulary(Action<JsonObject> change)
    {
        TemporaryFolder folder = Create();
        JsonObject vocabulary = JsonNode.Parse(File.ReadAllBytes(folder.In("vocab.json")))!.AsObject();
        change(vocabulary);
        ManifestText.ReplaceFile(folder, "vocab.json", System.Text.Encoding.UTF8.GetBytes(vocabulary.ToJsonString()));
        return folder;
    }
}
