using System.Text.Json;

namespace AsArm.Inference.Tests;

[TestClass]
public sealed class InfillTokenizerTests
{
    private static readonly ModelManifest s_manifest = ModelFolder.Open(Files.Default).Manifest;

    private static InfillTokenizer Open(int vocabularySize = 4096) =>
        InfillTokenizer.Open(Files.Golden("tokenizer/spiece.model"), s_manifest with { VocabularySize = vocabularySize });

    /// <summary>Ids recorded from the SentencePiece library itself; runs of unknown characters, ligatures and odd spaces among them.</summary>
    [TestMethod]
    public void Encode_RecordedTexts_GivesSentencePiecesIds()
    {
        InfillTokenizer tokenizer = Open();
        using JsonDocument cases = JsonDocument.Parse(File.ReadAllBytes(Files.Golden("tokenizer/cases.json")));
        Assert.IsGreaterThan(40, cases.RootElement.GetArrayLength());
        foreach (JsonElement recorded in cases.RootElement.EnumerateArray())
        {
            string text = recorded.GetProperty("text").GetString()!;
            CollectionAssert.AreEqual(Ids(recorded, "start"), tokenizer.EncodeStart(text), text);
            CollectionAssert.AreEqual(Ids(recorded, "continuation"), tokenizer.EncodeContinuation(text), "after a gap: " + text);
        }
    }

    [TestMethod]
    public void Decode_OfEncodedText_KeepsTheSpaceBeforeEachWord()
    {
        InfillTokenizer tokenizer = Open();
        Assert.AreEqual(" The cat sat.", tokenizer.Decode(tokenizer.EncodeStart("The cat sat.")));
        Assert.AreEqual("s sat.", tokenizer.Decode(tokenizer.EncodeContinuation("s sat.")));
    }

    [TestMethod]
    public void IsText_OfSpecialTokens_IsFalse()
    {
        InfillTokenizer tokenizer = Open();
        foreach (int special in Enumerable.Range(0, 9))
            Assert.IsFalse(tokenizer.IsText(special), $"Token {special}.");
        Assert.IsTrue(tokenizer.IsText(tokenizer.EncodeStart("the")[0]));
        Assert.ThrowsExactly<ArgumentException>(() => tokenizer.Decode([3]));
    }

    [TestMethod]
    public void Open_VocabularyOfTheNetworkTooSmall_Throws() =>
        StringAssert.Contains(
            Assert.ThrowsExactly<ModelFolderException>(() => Open(100)).Message, "vocabulary");

    [TestMethod]
    [DataRow(0)]
    [DataRow(100)]
    [DataRow(200_000)]
    public void Open_TruncatedFile_Throws(int length)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.In("cut.model"), File.ReadAllBytes(Files.Golden("tokenizer/spiece.model"))[..length]);
        StringAssert.Contains(Assert.ThrowsExactly<ModelFolderException>(() => InfillTokenizer.Open(folder.In("cut.model"), s_manifest)).Message, "cut.model");
    }

    private static int[] Ids(JsonElement recorded, string name) => [.. recorded.GetProperty(name).EnumerateArray().Select(id => id.GetInt32())];
}
