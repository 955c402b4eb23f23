using System.Buffers.Binary;
using System.Text.Json;
using AsArm.Assd.Tests.Support;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Tests.Support;
using AsArm.Inference.Tests.Tokenization;
using AsArm.Inference.Text;
using AsArm.Inference.Tokenization;

namespace AsArm.Inference.Tests.Text;

[TestClass]
public sealed class InfillTokenizerTests
{
    private static readonly ModelManifest s_manifest = ModelFolder.Open(Files.Default).Manifest;

    private static InfillTokenizer Open(int vocabularySize = 4096) =>
        InfillTokenizer.Open(Files.Golden("tokenizer/spiece.model"), s_manifest with { VocabularySize = vocabularySize });

    /// <summary>Ids recorded from the SentencePiece library, including runs of unknown characters, ligatures and unusual spaces.</summary>
    [TestMethod]
    public void Encode_RecordedTexts_GivesTheIdsOfSentencePiece()
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
    public void Open_SmallerVocabularyOfTheNetwork_Throws() =>
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

    /// <summary>Cases that other implementations encode differently; the expected pieces are those of SentencePiece.</summary>
    [TestMethod]
    [DataRow("鬱鬱 鬱", "▁ ? ▁ ?", DisplayName = "A run of unknown characters is one token")]
    [DataRow("1 000,", "▁1 ▁ 00 0 ,", DisplayName = "Of equally probable pieces the longer one is last or first as in sentencepiece")]
    [DataRow("2000", "▁2 0 00")]
    [DataRow("a\u0001b", "▁a b", DisplayName = "A control character is removed")]
    [DataRow("\0", "▁ ?", DisplayName = "NUL is a character")]
    [DataRow("x\ud800a", "▁ x ▁a", DisplayName = "A lone surrogate is U+FFFD, which becomes a space")]
    [DataRow("", "")]
    public void Encode_UnusualTexts_GivesThePiecesOfSentencePiece(string text, string expected)
    {
        InfillTokenizer tokenizer = Open();
        Assert.AreEqual(
            expected, string.Join(' ', tokenizer.EncodeStart(text).Select(id => tokenizer.IsText(id) ? tokenizer.Decode([id]).Replace(' ', '▁') : "?")));
    }

    [TestMethod]
    [DataRow(4, "unigram")]
    [DataRow(5, "byte fallback")]
    public void Open_UnsupportedModel_NamesTheFeature(int kind, string message)
    {
        using var folder = new TemporaryFolder();
        // Concatenated protobuf messages are one message: a trainer_spec with model_type BPE, or with byte_fallback.
        byte[] trainer = kind == 4 ? [0x12, 2, 3 << 3, 2] : [0x12, 3, 0x98, 0x02, 1];
        File.WriteAllBytes(folder.In("other.model"), [.. File.ReadAllBytes(Files.Golden("tokenizer/spiece.model")), .. trainer]);
        StringAssert.Contains(
            Assert.ThrowsExactly<ModelFolderException>(() => InfillTokenizer.Open(folder.In("other.model"), s_manifest)).Message, message);
    }

    [TestMethod]
    public void Open_CharacterMapWithInvalidUtf8_Throws()
    {
        using var folder = new TemporaryFolder();
        byte[] model = File.ReadAllBytes(Files.Golden("tokenizer/spiece.model"));
        byte[] map = SentencePieceModel.Parse(model).CharacterMap;
        int replacements = sizeof(uint) + (int)BinaryPrimitives.ReadUInt32LittleEndian(map);
        model.AsSpan(model.AsSpan().IndexOf(map) + replacements)[0] = 0xF0; // the first byte of a four-byte character
        File.WriteAllBytes(folder.In("map.model"), model);
        StringAssert.Contains(
            Assert.ThrowsExactly<ModelFolderException>(() => InfillTokenizer.Open(folder.In("map.model"), s_manifest)).Message, "character map");
    }

    /// <summary>Memory is linear in the text; copying the rest at each match would be quadratic.</summary>
    [TestMethod]
    public void Encode_ManySpecialTokens_AllocatesLinearly()
    {
        InfillTokenizer tokenizer = Tokenizers.Xlnet(new TextRules());
        string text = string.Concat(Enumerable.Repeat("<s>", 4_000));
        CollectionAssert.AreEqual(Enumerable.Repeat(1, 4_000).ToArray(), tokenizer.EncodeStart(text));
        Assert.IsLessThan(3, (double)Allocated(tokenizer, text + text) / Allocated(tokenizer, text));
    }

    private static long Allocated(InfillTokenizer tokenizer, string text)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        tokenizer.EncodeStart(text);
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static int[] Ids(JsonElement recorded, string name) => [.. recorded.GetProperty(name).EnumerateArray().Select(id => id.GetInt32())];
}
