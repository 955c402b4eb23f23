using System.IO.Compression;
using System.Text.Json;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Tests.Support;
using AsArm.Inference.Text;
using AsArm.Inference.Tokenization;

namespace AsArm.Inference.Tests.Tokenization;

/// <summary>The tokens with the backend "tokenizers" are those of Hugging Face's fast tokenizers, recorded by tests/tools/record_fast.py.</summary>
[TestClass]
public sealed class FastTokenizerTests
{
    private static readonly JsonElement s_record = ReadRecord();
    private static readonly string[] s_lines = [.. s_record.GetProperty("lines").EnumerateArray().Select(line => line.GetString()!)];
    private static readonly JsonSerializerOptions s_snakeCase = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public static IEnumerable<string> Settings => s_record.GetProperty("settings").EnumerateArray().Select(setting => setting.GetProperty("name").GetString()!);

    [TestMethod]
    [DynamicData(nameof(Settings))]
    public void Encode_RecordedLines_GivesTheRecordedTokens(string name)
    {
        JsonElement setting = Setting(name);
        int[][] expected = setting.GetProperty("ids").Deserialize<int[][]>()!;
        Assert.AreEqual(s_lines.Length, expected.Length);
        InfillTokenizer tokenizer = Open(setting, Rules(setting));
        for (int i = 0; i < s_lines.Length; i++)
            CollectionAssert.AreEqual(expected[i], tokenizer.EncodeStart(s_lines[i]), $"{name}: {s_lines[i]}");
    }

    [TestMethod]
    public void Record_CommittedFile_HasEnoughLines() => Assert.IsTrue(s_lines.Length > 400 && Settings.Count() == 7);

    /// <summary>Control: each setting, switched, gives other tokens for some of the lines, so the record covers it.</summary>
    [TestMethod]
    [DataRow("transformers 5", "lower case")]
    [DataRow("transformers 5", "accents")]
    [DataRow("transformers 5", "commas")]
    [DataRow("transformers 5", "added tokens")]
    [DataRow("transformers 5", "spaces")]
    [DataRow("transformers 4, fast", "character map")]
    [DataRow("transformers 4, fast", "commas")]
    [DataRow("transformers 4, fast", "spaces")]
    [DataRow("transformers 4, fast, odd, symbols after normalisation", "normalized")]
    [DataRow("transformers 4, fast, odd, symbols after normalisation", "strip")]
    [DataRow("transformers 5", "backend")]
    public void Encode_RuleSwitched_DiffersFromTheRecord(string name, string what)
    {
        JsonElement setting = Setting(name);
        TextRules rules = Rules(setting);
        TextRules other = what switch
        {
            "lower case" => rules with { DoLowerCase = !rules.DoLowerCase },
            "accents" => rules with { KeepAccents = !rules.KeepAccents },
            "commas" => rules with { SplitDigitCommas = !rules.SplitDigitCommas },
            "added tokens" => rules with { AddedTokens = [.. rules.AddedTokens!.Where(token => token.Id < 8)] },
            "spaces" => rules with { SplitSpacesOnly = !rules.SplitSpacesOnly },
            "character map" => rules with { CharacterMap = false },
            "normalized" => rules with { AddedTokens = [.. rules.AddedTokens!.Select(token => token with { Normalized = false })] },
            "strip" => rules with { AddedTokens = [.. rules.AddedTokens!.Select(token => token with { StripLeft = false, StripRight = false })] },
            _ => rules with { Backend = null, CharacterMap = false, SplitSpacesOnly = false },
        };
        InfillTokenizer tokenizer = Open(setting, other);
        int[][] expected = setting.GetProperty("ids").Deserialize<int[][]>()!;
        Assert.IsTrue(s_lines.Where((line, i) => !tokenizer.EncodeStart(line).SequenceEqual(expected[i])).Any());
    }

    /// <summary>After a gap no space is implied, but a space of the text is kept.</summary>
    [TestMethod]
    [DataRow("the", " the", DisplayName = "A leading space")]
    [DataRow("\u2581the", " the", DisplayName = "A leading space mark")]
    public void EncodeContinuation_OfAWord_KeepsItsSpaceOnly(string word, string spaced)
    {
        foreach (string name in new[] { "transformers 5", "transformers 4, fast" })
        {
            InfillTokenizer tokenizer = Open(Setting(name), Rules(Setting(name)));
            CollectionAssert.AreEqual(tokenizer.EncodeStart(spaced), tokenizer.EncodeContinuation(spaced));
            Assert.AreEqual(word == "the", tokenizer.EncodeContinuation(word)[0] != tokenizer.EncodeStart(word)[0]);
        }
    }

    [TestMethod]
    public void Open_AddedTokenNotInTheTokenizer_NamesIt()
    {
        JsonElement setting = Setting("transformers 5");
        TextRules rules = Rules(setting) with { AddedTokens = [new AddedToken(2_200)] };
        StringAssert.Contains(Assert.ThrowsExactly<ModelFolderException>(() => Open(setting, rules)).Message, "no piece 2200");
    }

    /// <summary>Added tokens given by their ids have the same effect as the default ones.</summary>
    [TestMethod]
    public void Encode_AddedTokensOfTheSlowTokenizer_AreFound()
    {
        InfillTokenizer byDefault = Tokenizers.Xlnet(new TextRules());
        InfillTokenizer byIds = Tokenizers.Xlnet(new TextRules { AddedTokens = [.. Enumerable.Range(0, 9).Select(id => new AddedToken(id, StripLeft: id == 6))] });
        InfillTokenizer word = Tokenizers.Xlnet(new TextRules(DoLowerCase: true) { AddedTokens = [new AddedToken(6), new AddedToken(12)] });
        foreach (string line in s_lines)
            CollectionAssert.AreEqual(byDefault.EncodeStart(line), byIds.EncodeStart(line), line);
        int[] the = byDefault.EncodeStart("the");
        CollectionAssert.AreEqual(new[] { the[0], 12, the[0] }, word.EncodeStart("The\"THE"));
    }

    /// <summary>Hugging Face converts the text to lower case before it matches special tokens.</summary>
    [TestMethod]
    [DataRow("<MASK>", 6)]
    [DataRow("<Sep>", 4)]
    [DataRow("</S>", 2)]
    [DataRow("<mas\u212a>", 6, DisplayName = "The Kelvin sign")]
    public void Encode_UpperCaseNamesWithLowerCase_AreSpecialTokens(string name, int id)
    {
        CollectionAssert.AreEqual(new[] { id }, Tokenizers.Xlnet(new TextRules(DoLowerCase: true)).EncodeStart(name));
        Assert.AreNotEqual(1, Tokenizers.Xlnet(new TextRules()).EncodeStart(name).Length);
    }

    private static JsonElement Setting(string name) =>
        s_record.GetProperty("settings").EnumerateArray().Single(setting => setting.GetProperty("name").GetString() == name);

    private static TextRules Rules(JsonElement setting) => setting.GetProperty("text_rules").Deserialize<TextRules>(s_snakeCase)!;

    private static InfillTokenizer Open(JsonElement setting, TextRules rules) => setting.GetProperty("model").GetString() switch
    {
        "xlnet.model" => Tokenizers.Xlnet(rules),
        string file => Tokenizers.Open(Files.Golden("tokenizer/" + file), rules),
        null => throw new InvalidOperationException(),
    };

    private static JsonElement ReadRecord()
    {
        using var packed = new GZipStream(File.OpenRead(Files.Golden("tokenizer/fast.json.gz")), CompressionMode.Decompress);
        return JsonDocument.Parse(packed).RootElement;
    }
}
