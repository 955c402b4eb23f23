using AsArm.Inference.ModelFolders;
using AsArm.Inference.Tests.Support;
using AsArm.Inference.Tests.Tokenization;
using AsArm.Inference.Text;

namespace AsArm.Inference.Tests.Text;

/// <summary>Given text is never changed; the tokens of a gap are decoded with their spaces.</summary>
[TestClass]
public sealed class InfillTextTests
{
    private static readonly ModelManifest s_manifest = ModelFolder.Open(Files.Default).Manifest with { MaxLength = 128 };
    private static readonly InfillTokenizer s_tokenizer = Tokenizers.Stories;

    [TestMethod]
    [DataRow("The cat <mask:2> the mat.", " sat on", "The cat sat on the mat.")]
    [DataRow("The cat<mask:2> the mat.", " sat on", "The cat sat on the mat.")]
    [DataRow("The cat  <mask:2>  the\tmat. ", " sat on", "The cat  sat on  the\tmat. ")]
    [DataRow("Line\n<mask:2>\nend", " sat on", "Line\nsat on\nend")]
    [DataRow("<mask:2> the mat.", " sat on", "sat on the mat.")]
    [DataRow(" <mask:2> the mat.", " sat on", " sat on the mat.")]
    [DataRow("A ﬁne café 🙂 <mask:2>, e\u0301.", " sat on", "A ﬁne café 🙂 sat on, e\u0301.")]
    [DataRow("cat<mask> sat", "s", "cats sat")]
    [DataRow("(<mask:2>)", " sat on", "( sat on)")]
    [DataRow(@"\<b> \[x] \n <mask:2>", " sat on", @"<b> \[x] \n sat on")]
    [DataRow("<mask:2>", " sat on", "sat on")]
    public void Fill_OneGap_KeepsGivenText(string text, string gap, string expected)
    {
        InfillText encoded = InfillText.Encode(text, spans: false, s_tokenizer, s_manifest);
        Assert.AreEqual(expected, encoded.FillGaps(s_tokenizer.EncodeContinuation(gap)));
    }

    [TestMethod]
    public void Fill_SeveralGaps_PutsEachInItsPlace()
    {
        InfillText encoded = InfillText.Encode("The <mask> sat <mask> <mask> mat.", spans: false, s_tokenizer, s_manifest);
        int[] tokens = [.. s_tokenizer.EncodeContinuation(" cat"), .. s_tokenizer.EncodeContinuation(" on the")];
        Assert.HasCount(3, tokens);
        Assert.AreEqual("The cat sat on the mat.", encoded.FillGaps(tokens));
    }

    [TestMethod]
    public void DecodeGaps_UncommittedTokens_ShowsMasks()
    {
        InfillText encoded = InfillText.Encode("The cat <mask:3> the mat.", spans: false, s_tokenizer, s_manifest);
        int[] tokens = encoded.Tokens;
        bool[] committed = encoded.Given;
        int first = Array.IndexOf(committed, false);
        tokens[first + 1] = s_tokenizer.EncodeContinuation(" on")[0];
        committed[first + 1] = true;
        CollectionAssert.AreEqual(new[] { "<mask:1> on<mask:1>" }, encoded.DecodeGaps(tokens, committed));
    }

    /// <summary>Given tokens of a text with gaps are those of the filled text.</summary>
    [TestMethod]
    [DataRow("The cat <mask:2> the mat.", "The cat sat on the mat.")]
    [DataRow("The <mask:3> the mat.", "The cat sat on the mat.")]
    [DataRow("The cat <mask:2>", "The cat sat on")]
    public void Encode_GivenTokens_AreThoseOfTheWholeText(string text, string whole)
    {
        InfillText encoded = InfillText.Encode(text, spans: false, s_tokenizer, s_manifest);
        int[] expected = s_tokenizer.EncodeStart(whole);
        Assert.HasCount(expected.Length, encoded.Tokens);
        for (int position = 0; position < expected.Length; position++)
        {
            if (encoded.Given[position])
                Assert.AreEqual(expected[position], encoded.Tokens[position], $"Position {position}.");
        }
    }

    [TestMethod]
    public void Encode_TextThatBeginsWithAGap_PutsTheSeparatorFirst()
    {
        Assert.AreEqual(s_manifest.SeparatorId, InfillText.Encode("<mask> cat.", spans: false, s_tokenizer, s_manifest).Tokens[0]);
        Assert.AreEqual(s_manifest.SeparatorId, InfillText.Encode("[[The]] cat.", spans: true, s_tokenizer, s_manifest).Tokens[0]);
        Assert.AreNotEqual(s_manifest.SeparatorId, InfillText.Encode("The <mask>.", spans: false, s_tokenizer, s_manifest).Tokens[0]);
    }

    [TestMethod]
    public void Encode_NothingGiven_PutsTheSeparatorFirst()
    {
        InfillText encoded = InfillText.Encode("<mask:3>", spans: false, s_tokenizer, s_manifest);
        CollectionAssert.AreEqual(new[] { s_manifest.SeparatorId, s_manifest.MaskId, s_manifest.MaskId, s_manifest.MaskId }, encoded.Tokens);
        CollectionAssert.AreEqual(new[] { true, false, false, false }, encoded.Given);
    }

    /// <summary>Scores of tokens from left to right belong to the spans in their order.</summary>
    [TestMethod]
    public void Score_Spans_HaveTheSumsOfTheirTokens()
    {
        InfillText encoded = InfillText.Encode("The [[little dog]] ran [[home]].", spans: true, s_tokenizer, s_manifest);
        ScoreResult result = encoded.Score([-1, -2, -4]);
        Assert.AreEqual((-7.0, 3), (result.LogProbability, result.Tokens));
        CollectionAssert.AreEqual(new[] { ("little dog", -3.0, 2), ("home", -4.0, 1) }, result.Spans.Select(span => (span.Text, span.LogProbability, span.Tokens)).ToArray());
    }

    /// <summary>Gaps that are more than the model takes are counted, but not stored.</summary>
    [TestMethod]
    [DataRow("A<mask:100><mask:28>", 129)]
    [DataRow("A<mask:100><mask:29>", 1)]
    [DataRow("<mask:128>", 129)]
    [DataRow("<mask:129>", 1)]
    public void Count_Gaps_StoresThemUpToTheMaximum(string text, int stored)
    {
        List<TextSegment> segments = TextMarkup.Parse(text, spans: false);
        TokenCount count = InfillText.Count(segments, new SegmentEncoder(s_tokenizer, s_manifest, GapSpacing.AsTyped), out int[] tokens);
        Assert.AreEqual(1 + segments.OfType<TextSegment.Gap>().Sum(gap => gap.Count), count.Total);
        Assert.HasCount(stored, tokens);
        Assert.IsFalse(count.Fits);
    }

    [TestMethod]
    [DataRow("no gap", false, "no gap")]
    [DataRow("no gap <MASK>", false, "'<MASK>' at character 7")]
    [DataRow("no gap [MASK]", false, "'[MASK]' at character 7")]
    [DataRow("<mask:4000000000> x", false, "4000000003 tokens with its gaps, one of them the separator before a text that begins with a gap; the model takes 128")]
    [DataRow("<mask:99999999999>", false, "100000000000 tokens")]
    [DataRow("a <mask:99999999999> b <mask:99999999999>", false, "200000000000 tokens with its gaps; the model takes 128")]
    [DataRow("<mask:9999999999999>", false, "9999999999999 tokens, more than any model takes")]
    [DataRow("<mask:127> and more than that", false, "132 tokens with its gaps, one of them the separator")]
    [DataRow("a <mask:150>", false, "151 tokens with its gaps; the model takes 128")]
    [DataRow("<mask:150>", false, "151 tokens with its gaps, one of them the separator")]
    [DataRow("<mask:128>", false, "129 tokens with its gaps, one of them the separator before a text that begins with a gap; the model takes 128")]
    [DataRow("a <mask:128>", false, "--window")]
    [DataRow("a <mask:128>", false, "a model with a longer maximum")]
    [DataRow("no span", true, "no span")]
    [DataRow("a <mask> [[b]]", true, "gaps")]
    [DataRow("a [[ ]]", true, "no token")]
    [DataRow("a [[日本]]", true, "cannot write")]
    [DataRow("a [[\\<mask>]]", true, "cannot write")]
    public void Encode_InvalidText_Throws(string text, bool spans, string message) => StringAssert.Contains(
        Assert.ThrowsExactly<InfillTextException>(() => InfillText.Encode(text, spans, s_tokenizer, s_manifest)).Message, message);
}
