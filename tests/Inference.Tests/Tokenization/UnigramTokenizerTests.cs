using System.Buffers;
using System.Text.Json;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Tests.Support;
using AsArm.Inference.Text;
using AsArm.Inference.Tokenization;
using Microsoft.ML.Tokenizers;

namespace AsArm.Inference.Tests.Tokenization;

/// <summary>Behind the abstraction of Microsoft.ML.Tokenizers, tokens are those of our encoder.</summary>
[TestClass]
public sealed class UnigramTokenizerTests
{
    private const int Unknown = 0; // of all recorded tokenizers

    private static readonly Dictionary<string, InfillTokenizer> s_tokenizers = new()
    {
        ["stories"] = Tokenizers.Stories,
        ["no dummy prefix"] = Tokenizers.WithoutDummyPrefix,
        ["xlnet"] = Tokenizers.Xlnet(null),
        ["text rules"] = Tokenizers.Xlnet(new TextRules()),
        ["transformers 5"] = Tokenizers.Xlnet(new TextRules(SplitDigitCommas: false) { Backend = TextRules.TokenizersBackend, AddedTokens = [new AddedToken(6)] }),
        ["odd"] = Tokenizers.Odd(null),
        ["asarm-code"] = Tokenizers.Xlnet(null, ModelManifest.CodeEncoding),
    };

    private static readonly string[] s_texts =
    [
        .. JsonDocument.Parse(File.ReadAllBytes(Files.Golden("tokenizer/corners.json"))).RootElement.EnumerateArray().Select(text => text.GetString()!),
        .. TokenizerRecord.Read(Files.Golden("tokenizer")).Texts.Where((_, i) => i % 40 == 0), "a\ud800b \udc00", "x  y\n\tz ", " ", "\0",
    ];

    public static IEnumerable<string> Names => s_tokenizers.Keys;

    [TestMethod]
    public void EncodeToIds_RecordedTexts_GivesTheRecordedIds()
    {
        Tokenizer tokenizer = Tokenizers.Stories.Tokenizer;
        using JsonDocument cases = JsonDocument.Parse(File.ReadAllBytes(Files.Golden("tokenizer/cases.json")));
        foreach (JsonElement one in cases.RootElement.EnumerateArray())
        {
            string text = one.GetProperty("text").GetString()!;
            CollectionAssert.AreEqual(one.GetProperty("start").EnumerateArray().Select(id => id.GetInt32()).ToArray(), tokenizer.EncodeToIds(text).ToArray(), text);
        }
    }

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void EncodeToTokens_RecordedLines_GivesOurIdsWithExactOffsets(string name)
    {
        InfillTokenizer infill = s_tokenizers[name];
        Assert.IsGreaterThan(400, s_texts.Length);
        foreach (string text in s_texts)
        {
            int[] expected = infill.EncodeStart(text);
            IReadOnlyList<EncodedToken> tokens = infill.Tokenizer.EncodeToTokens(text, out string? normalized);
            CollectionAssert.AreEqual(expected, tokens.Select(token => token.Id).ToArray(), text);
            CollectionAssert.AreEqual(expected, infill.Tokenizer.EncodeToIds(text).ToArray(), text);
            CollectionAssert.AreEqual(expected, infill.Tokenizer.EncodeToIds(text.AsSpan()).ToArray(), text);
            Assert.AreEqual(expected.Length, infill.Tokenizer.CountTokens(text), text);
            Assert.AreEqual(normalized, infill.Tokenizer.Normalizer!.Normalize(text), text);
            Assert.AreEqual(normalized, string.Concat(tokens.Select(token => token.Value)), text);
            foreach (EncodedToken token in tokens)
                Assert.AreEqual(token.Value, normalized![token.Offset], text);
            Assert.IsTrue(tokens.All(token => token.Id == Unknown || token.Value == infill.PieceOf(token.Id) || infill.IsWhiteSpace(token.Id)), text);
        }
    }

    /// <summary>Characters without a token are in the value of the unknown token.</summary>
    [TestMethod]
    [DataRow("stories", "鬱鬱 a", "▁ 鬱鬱 ▁a")]
    [DataRow("text rules", "a 鬱鬱", "▁a ▁ 鬱鬱")]
    [DataRow("transformers 5", "a 鬱", "▁a ▁ 鬱")]
    [DataRow("asarm-code", "a鬱  b", "▁a 鬱 \u00a0\u00a0 ▁b")]
    public void EncodeToTokens_UnknownCharacters_AreTheValue(string name, string text, string expected) => Assert.AreEqual(
        expected.Replace('\u00a0', ' '), string.Join(' ', s_tokenizers[name].Tokenizer.EncodeToTokens(text, out _).Select(token => token.Value)));

    /// <summary>What normalisation does not change comes back.</summary>
    [TestMethod]
    [DynamicData(nameof(Names))]
    public void Decode_OfEncodedLines_GivesTheNormalizedTextBack(string name)
    {
        Tokenizer tokenizer = s_tokenizers[name].Tokenizer;
        int exact = 0;
        foreach (string text in s_texts)
        {
            int[] ids = [.. tokenizer.EncodeToIds(text)];
            if (ids.Contains(Unknown))
                continue;
            string decoded = tokenizer.Decode(ids), normalized = tokenizer.Normalizer!.Normalize(text).Replace('▁', ' ');
            exact += decoded == text ? 1 : 0;
            if (name != "asarm-code")
                Assert.AreEqual(normalized.StartsWith(' ') ? normalized[1..] : normalized, decoded, text);
            else
                Assert.IsTrue(decoded == text || !text.All(character => character is (>= ' ' and <= '~') or '\n' or '\t'), text);
        }

        Assert.IsGreaterThan(20, exact); // in "odd" spaces and many letters are normalised
    }

    [TestMethod]
    public void Decode_IntoABuffer_WritesWholeTokens()
    {
        Tokenizer tokenizer = Tokenizers.Stories.Tokenizer;
        int[] ids = [.. tokenizer.EncodeToIds("The cat sat.")];
        string whole = tokenizer.Decode(ids);
        Assert.AreEqual("The cat sat.", whole);
        for (int length = 0; length <= whole.Length + 1; length++)
        {
            var buffer = new char[length];
            OperationStatus status = tokenizer.Decode(ids, buffer, out int consumed, out int written);
            Assert.AreEqual(length < whole.Length ? OperationStatus.DestinationTooSmall : OperationStatus.Done, status);
            Assert.AreEqual(tokenizer.Decode(ids[..consumed]), new string(buffer, 0, written));
            Assert.IsTrue(consumed == ids.Length || tokenizer.Decode(ids[..(consumed + 1)]).Length > length);
        }
    }

    [TestMethod]
    public void Decode_IdsOutOfTheVocabulary_Throws()
    {
        Tokenizer tokenizer = Tokenizers.Stories.Tokenizer;
        foreach (int id in new[] { -1, 4096, int.MaxValue })
        {
            Assert.ThrowsExactly<InvalidOperationException>(() => tokenizer.Decode([id]));
            Assert.AreEqual(OperationStatus.InvalidData, tokenizer.Decode([id], new char[8], out _, out _));
        }

        Assert.ThrowsExactly<ArgumentNullException>(() => tokenizer.Decode(null!));
        Assert.AreEqual("<sep> the", tokenizer.Decode([4, .. tokenizer.EncodeToIds("the")]));
        Assert.AreEqual("", tokenizer.Decode([]));
    }

    [TestMethod]
    public void Encode_NullOrEmpty_GivesNothing()
    {
        Tokenizer tokenizer = Tokenizers.Stories.Tokenizer;
        Assert.IsEmpty(tokenizer.EncodeToIds((string)null!));
        Assert.IsEmpty(tokenizer.EncodeToIds(""));
        Assert.IsEmpty(tokenizer.EncodeToTokens("", out string? normalized));
        Assert.AreEqual("", normalized);
        Assert.AreEqual(0, tokenizer.CountTokens(""));
        Assert.AreEqual(0, tokenizer.GetIndexByTokenCount("", 3, out _, out int count));
        Assert.AreEqual(0, count);
        Assert.ThrowsExactly<ArgumentNullException>(() => tokenizer.Normalizer!.Normalize(null!));
    }

    /// <summary>Members of the abstraction that cut after a number of tokens agree with all tokens.</summary>
    [TestMethod]
    [DataRow("The little dog was in the garden.")]
    [DataRow("鬱鬱 a ﬁne  café")]
    [DataRow("")]
    [DataRow(" ")]
    public void EncodeToIds_AtMostSomeTokens_CutsAtATokenOfTheNormalizedText(string text)
    {
        Tokenizer tokenizer = Tokenizers.Stories.Tokenizer;
        IReadOnlyList<EncodedToken> all = tokenizer.EncodeToTokens(text, out string? whole);
        for (int maximum = 1; maximum <= all.Count + 2; maximum++)
        {
            EncodedToken[] first = [.. all.Take(maximum)], last = [.. all.TakeLast(maximum)];
            int end = first.Length == 0 ? 0 : first[^1].Offset.End.Value;
            CollectionAssert.AreEqual(first.Select(token => token.Id).ToArray(), tokenizer.EncodeToIds(text, maximum, out string? normalized, out int consumed).ToArray());
            Assert.AreEqual((whole, end), (normalized, consumed));
            Assert.AreEqual(end, tokenizer.GetIndexByTokenCount(text, maximum, out normalized, out int count));
            Assert.AreEqual((whole, first.Length), (normalized, count));
            int start = last.Length == 0 ? whole!.Length : last[0].Offset.Start.Value;
            Assert.AreEqual(start, tokenizer.GetIndexByTokenCountFromEnd(text, maximum, out normalized, out count));
            Assert.AreEqual((whole, last.Length), (normalized, count));
        }

        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => tokenizer.EncodeToIds("a", 0, out _, out _));
    }

    /// <summary>A normalised text has the same tokens without normalisation; offsets are then those of the given text.</summary>
    [TestMethod]
    [DataRow("stories")]
    [DataRow("odd")]
    [DataRow("transformers 5")]
    public void EncodeToTokens_WithoutNormalization_TakesTheTextAsNormalized(string name)
    {
        Tokenizer tokenizer = s_tokenizers[name].Tokenizer;
        foreach (string text in s_texts.Where(text => !text.Contains('<')))
        {
            string given = tokenizer.Normalizer!.Normalize(text);
            IReadOnlyList<EncodedToken> tokens = tokenizer.EncodeToTokens(given, out string? normalized, considerNormalization: false);
            Assert.IsNull(normalized);
            CollectionAssert.AreEqual(tokenizer.EncodeToIds(text).ToArray(), tokens.Select(token => token.Id).ToArray(), text);
            Assert.IsTrue(tokens.All(token => given[token.Offset] == token.Value), text);
        }
    }

    [TestMethod]
    public void Create_FromAStream_ReadsOrRefusesTheModel()
    {
        byte[] model = File.ReadAllBytes(Files.Golden("tokenizer/odd.model"));
        CollectionAssert.AreEqual(Tokenizers.Odd(null).EncodeStart("aab bab"), UnigramTokenizer.Create(new MemoryStream(model)).EncodeToIds("aab bab").ToArray());
        var lower = new TextRules(DoLowerCase: true, RemoveSpace: false);
        CollectionAssert.AreEqual(Tokenizers.Odd(lower).EncodeStart("AAB"), UnigramTokenizer.Create(new MemoryStream(model), lower).EncodeToIds("AAB").ToArray());
        Assert.ThrowsExactly<InvalidDataException>(() => UnigramTokenizer.Create(new MemoryStream(model[..100])));
        Assert.ThrowsExactly<InvalidDataException>(() => UnigramTokenizer.Create(new MemoryStream(new byte[(16 << 20) + 1])));
        Assert.ThrowsExactly<ArgumentException>(() => UnigramTokenizer.Create(new MemoryStream(model), new TextRules { Backend = "other" }));
        Assert.ThrowsExactly<InvalidDataException>(() => UnigramTokenizer.Create(new MemoryStream(model), new TextRules { AddedTokens = [new AddedToken(9999)] }));
        Assert.ThrowsExactly<ArgumentNullException>(() => UnigramTokenizer.Create(null!));
    }
}
