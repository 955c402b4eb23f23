using AsArm.Inference.Tests.Support;
using AsArm.Inference.Text;
using AsArm.Inference.Tokenization;

namespace AsArm.Inference.Tests.Tokenization;

/// <summary>The tokens are those of Python's sentencepiece with Hugging Face's normalisation, line by line.</summary>
[TestClass]
public sealed class TokenizerParityTests
{
    private static readonly TokenizerRecord s_record = TokenizerRecord.Read(Files.Golden("tokenizer"));
    private static readonly Lazy<TokenizerRecord?> s_other = new(() =>
        Environment.GetEnvironmentVariable("ASARM_TOKENIZER_RECORD") is string folder ? TokenizerRecord.Read(folder) : null);

    public static IEnumerable<int> Settings => Enumerable.Range(0, TokenizerRecord.Settings.Count);

    /// <summary>Uses the committed record, or one of other texts that ASARM_TOKENIZER_RECORD names.</summary>
    [TestMethod]
    [DynamicData(nameof(Settings))]
    public void Encode_RecordedLines_GivesTheRecordedTokens(int setting)
    {
        TokenizerRecord record = s_other.Value ?? s_record;
        List<string> wrong = record.Mismatches(setting, TokenizerRecord.Settings[setting].Open());
        Assert.IsEmpty(
            wrong, $"{TokenizerRecord.Settings[setting].Name}: {wrong.Count} of {record.Count(setting)} lines differ, such as {string.Join(" | ", wrong.Take(10))}");
    }

    [TestMethod]
    public void Record_CommittedFile_HasEnoughLines()
    {
        Assert.IsGreaterThan(20_000, s_record.Count(0));
        Assert.IsGreaterThan(20_000, s_record.Count(1));
        Assert.IsTrue(Settings.All(setting => s_record.Count(setting) > 4_000));
    }

    /// <summary>Control: each setting, switched, gives other tokens for some of the lines, so the record covers it.</summary>
    [TestMethod]
    [DataRow(1, false, true, false, false, 100, DisplayName = "the comma after a digit")]
    [DataRow(1, false, true, true, true, 200, DisplayName = "accents")]
    [DataRow(3, false, true, false, true, 200, DisplayName = "lower case")]
    [DataRow(1, true, true, false, true, 200, DisplayName = "case kept")]
    [DataRow(4, false, true, true, true, 5, DisplayName = "white space")]
    public void Encode_RuleSwitched_DiffersFromTheRecord(int setting, bool lower, bool removeSpace, bool accents, bool commas, int atLeast)
    {
        InfillTokenizer other = Tokenizers.Xlnet(new TextRules(lower, removeSpace, accents, commas));
        Assert.IsGreaterThanOrEqualTo(atLeast, s_record.Mismatches(setting, other).Count);
    }

    [TestMethod]
    public void Encode_NoRules_DiffersFromTheRecordWithRules() =>
        Assert.IsGreaterThan(200, s_record.Mismatches(1, Tokenizers.Xlnet(null)).Count);
}
