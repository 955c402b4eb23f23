using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using AsArm.Assd.Tests.Support;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Tests.ModelFolders;
using AsArm.Inference.Tests.Support;
using AsArm.Inference.Text;
using Microsoft.ML.Tokenizers;

namespace AsArm.Inference.Tests.Tokenization;

/// <summary>A byte-level BPE gives the ids of a reference that tests/tools/byte_level.py has recorded.</summary>
[TestClass]
public sealed class ByteLevelTests
{
    private static readonly InfillTokenizer s_tokenizer = ByteLevelFolder.OpenTokenizer();
    private static readonly (string Text, int[] Ids)[] s_cases = ReadCases();

    [TestMethod]
    public void Encode_RecordedTexts_GivesTheIdsOfTheReference()
    {
        Assert.IsGreaterThan(90, s_cases.Length);
        foreach ((string text, int[] ids) in s_cases)
        {
            CollectionAssert.AreEqual(ids, s_tokenizer.EncodeStart(text), text);
            CollectionAssert.AreEqual(ids, s_tokenizer.EncodeContinuation(text), text);
            CollectionAssert.AreEqual(ids, s_tokenizer.Tokenizer.EncodeToIds(text).ToArray(), text);
        }
    }

    [TestMethod]
    public void Encode_RecordedLines_GivesTheChecksumsOfTheReference()
    {
        string[] lines = TokenizerRecord.Read(Files.Golden("tokenizer")).Texts;
        byte[] checksums = TokenizerRecord.Unpack(Files.Golden("tokenizer/byte_level/checks.bin.gz"));
        Assert.AreEqual(2 * lines.Length, checksums.Length);
        string[] wrong = [.. lines.Where((line, i) =>
            TokenizerRecord.Checksum(s_tokenizer.EncodeStart(line)) != BinaryPrimitives.ReadUInt16LittleEndian(checksums.AsSpan(2 * i)))];
        Assert.IsEmpty(wrong, string.Join(" | ", wrong.Take(5)));
    }

    /// <summary>Control: with the regular expression of Microsoft.ML.Tokenizers, letters beyond U+FFFF are not letters.</summary>
    [TestMethod]
    public void Encode_WithARegularExpression_DiffersFromTheReference()
    {
        var pattern = new Regex(@"'(?:[sdmt]|re|ve|ll)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+");
        var bytes = (BpeTokenizer)s_tokenizer.Tokenizer;
        var other = BpeTokenizer.Create(new BpeOptions(bytes.Vocabulary)
        {
            ByteLevel = true,
            Merges = File.ReadLines(Files.Golden("tokenizer/byte_level/merges.txt")).Skip(1),
            PreTokenizer = new RegexPreTokenizer(pattern, null),
        });
        string[] wrong = [.. s_cases.Where(one => !other.EncodeToIds(one.Text).SequenceEqual(one.Ids)).Select(one => one.Text)];
        Assert.IsNotEmpty(wrong);
        Assert.IsTrue(wrong.All(text => text.Any(char.IsSurrogate)), string.Join(" | ", wrong));
    }

    [TestMethod]
    public void Decode_OfRecordedTexts_GivesThemBack()
    {
        foreach ((string text, int[] ids) in s_cases)
        {
            Assert.AreEqual(text, s_tokenizer.DecodeStart(ids));
            Assert.AreEqual(text, s_tokenizer.Decode(ids));
        }
    }

    [TestMethod]
    public void Encode_LoneSurrogates_CountAsReplacementCharacters()
    {
        foreach ((string text, string expected) in new[] { ("a\ud800b", "a\ufffdb"), ("\udc00", "\ufffd"), ("x\ud83d", "x\ufffd") })
        {
            CollectionAssert.AreEqual(s_tokenizer.EncodeStart(expected), s_tokenizer.EncodeStart(text));
            CollectionAssert.AreEqual(s_tokenizer.EncodeStart(expected), s_tokenizer.Tokenizer.EncodeToIds(text).ToArray());
        }

        Assert.ThrowsExactly<ArgumentNullException>(() => s_tokenizer.EncodeStart(null!));
    }

    /// <summary>The library caches words; callers on several threads must not disturb each other.</summary>
    [TestMethod]
    public void Encode_OnSeveralThreads_GivesTheSame()
    {
        InfillTokenizer tokenizer = ByteLevelFolder.OpenTokenizer();
        Parallel.For(0, 8, _ =>
        {
            foreach ((string text, int[] ids) in s_cases)
                CollectionAssert.AreEqual(ids, tokenizer.EncodeStart(text), text);
        });
    }

    [TestMethod]
    public void IsText_OfSpecialAndMissingTokens_IsFalse()
    {
        Assert.IsFalse(s_tokenizer.IsText(6)); // <mask>
        Assert.IsFalse(s_tokenizer.IsText(965));
        Assert.AreEqual("", s_tokenizer.PieceOf(965));
        Assert.AreEqual("<mask>", s_tokenizer.PieceOf(6));
        Assert.AreEqual("\u0120", s_tokenizer.PieceOf(s_tokenizer.EncodeStart(" ").Single()));
        Assert.IsTrue(Enumerable.Range(9, 956).All(s_tokenizer.IsText));
        Assert.IsNull(s_tokenizer.UnknownId);
        Assert.ThrowsExactly<ArgumentException>(() => s_tokenizer.Decode([6]));
    }

    public static IEnumerable<object[]> Damages =>
    [
        ["vocab.json", "", "not a JSON object"],
        ["vocab.json", "[]", "not a JSON object"],
        ["vocab.json", "{\"a\": 1", "not a JSON object"],
        ["vocab.json", "{\"a\": 1.5}", "not a JSON object"],
        ["vocab.json", "{\"a\": -1}", "not a JSON object"],
        ["vocab.json", "{\"a\": {\"b\": 1}}", "not a JSON object"],
        ["vocab.json", "{\"a\": 1} x", "not a JSON object"],
        ["vocab.json", "{\"\\ud800\": 1}", "not a JSON object"],
        ["vocab.json", "{\"a\": 4096}", "a token 4096"],
        ["vocab.json", "{\"a\": 9, \"b\": 9}", "twice"],
        ["vocab.json", "{\"a\": 9, \"a\": 10}", "twice"],
        ["vocab.json", "{\"\": 9}", "empty"],
        ["vocab.json", "{\"日\": 9}", "stand for no byte"],
        ["vocab.json", "{\"a\": 9}", "no token of the byte"],
        ["merges.txt", "a", "line 1 is not a pair"],
        ["merges.txt", "#version: 0.2\na  b\n", "line 2 is not a pair"],
        ["merges.txt", "#version: 0.2\n\n", "line 2 is not a pair"],
        ["merges.txt", "h e\nh e", "line 2 is there twice"],
        ["merges.txt", "z q\n", "line 1 merges to or from a token"],
        ["merges.txt", "日 本\n", "line 1 merges to or from a token"],
    ];

    [TestMethod]
    [DynamicData(nameof(Damages))]
    public void Open_DamagedFile_NamesItAndTheReason(string name, string content, string reason)
    {
        using TemporaryFolder folder = ByteLevelFolder.Create();
        ManifestText.ReplaceFile(folder, name, Encoding.UTF8.GetBytes(content));
        string message = Assert.ThrowsExactly<ModelFolderException>(() => InfillTokenizer.Open(ModelFolder.Open(folder.Path))).Message;
        StringAssert.Contains(message, folder.In(name));
        StringAssert.Contains(message, reason);
    }

    [TestMethod]
    [DataRow("vocab.json")]
    [DataRow("merges.txt")]
    public void Open_FileThatIsNotUtf8MissingOrChanged_NamesIt(string name)
    {
        using TemporaryFolder folder = ByteLevelFolder.Create();
        ManifestText.ReplaceFile(folder, name, [(byte)'{', (byte)'"', 0xFF, (byte)'"', (byte)':', (byte)'9', (byte)'}']);
        StringAssert.Contains(Refusal(folder), name);
        File.WriteAllText(folder.In(name), "{\"x\": 9}");
        StringAssert.Contains(Refusal(folder), name);
        File.Delete(folder.In(name));
        StringAssert.Contains(Refusal(folder), name);
        ManifestText.Edit(folder, manifest => manifest["files"]!.AsObject().Remove(name));
        StringAssert.Contains(Refusal(folder), name);
    }

    [TestMethod]
    public void Open_ManifestThatContradictsTheTokenizer_NamesTheField()
    {
        using TemporaryFolder folder = ByteLevelFolder.Create();
        ManifestText.Edit(folder, manifest => (manifest["format_version"], manifest["text_rules"]) = (2, new System.Text.Json.Nodes.JsonObject()));
        StringAssert.Contains(Refusal(folder), "text_rules");
        ManifestText.Edit(folder, manifest => (manifest["text_rules"], manifest["text_encoding"]) = (null, "asarm-code"));
        StringAssert.Contains(Refusal(folder), "text_encoding");
        ManifestText.Edit(folder, manifest => (manifest["text_encoding"], manifest["tokenizer"]) = (null, "word-piece"));
        StringAssert.Contains(Refusal(folder), "tokenizer is out of range");
        ManifestText.Edit(folder, manifest => manifest["tokenizer"] = "byte-level-bpe");
        ManifestText.ReplaceFile(folder, "spiece.model", File.ReadAllBytes(Files.Golden("tokenizer/spiece.model")));
        StringAssert.Contains(Refusal(folder), "spiece.model");
    }

    [TestMethod]
    public void Open_WindowsLineEndsOrNoVersion_GivesTheSameTokens()
    {
        using TemporaryFolder folder = ByteLevelFolder.Create();
        string[] lines = File.ReadAllLines(folder.In("merges.txt"));
        foreach (string content in new[] { string.Join("\r\n", lines), string.Join("\n", lines[1..]) })
        {
            ManifestText.ReplaceFile(folder, "merges.txt", Encoding.UTF8.GetBytes(content));
            InfillTokenizer tokenizer = InfillTokenizer.Open(ModelFolder.Open(folder.Path));
            Assert.IsTrue(s_cases.All(one => tokenizer.EncodeStart(one.Text).SequenceEqual(one.Ids)));
        }
    }

    /// <summary>A special token may have any name; without merges every byte is a token.</summary>
    [TestMethod]
    public void Open_SpecialTokenOfOtherCharactersAndNoMerges_Opens()
    {
        using TemporaryFolder folder = ByteLevelFolder.WithVocabulary(vocabulary =>
        {
            vocabulary.Remove("<unk>");
            vocabulary["日本 <x>"] = 0;
        });
        ManifestText.ReplaceFile(folder, "merges.txt", []);
        InfillTokenizer tokenizer = InfillTokenizer.Open(ModelFolder.Open(folder.Path));
        Assert.AreEqual("日本 <x>", tokenizer.PieceOf(0));
        Assert.HasCount(Encoding.UTF8.GetByteCount("the 日本 <x>"), tokenizer.EncodeStart("the 日本 <x>"));
    }

    private static string Refusal(TemporaryFolder folder) =>
        Assert.ThrowsExactly<ModelFolderException>(() => InfillTokenizer.Open(ModelFolder.Open(folder.Path))).Message;

    private static (string Text, int[] Ids)[] ReadCases()
    {
        using JsonDocument cases = JsonDocument.Parse(File.ReadAllBytes(Files.Golden("tokenizer/byte_level/cases.json")));
        return [.. cases.RootElement.EnumerateArray().Select(one =>
            (one.GetProperty("text").GetString()!, one.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()).ToArray()))];
    }
}
