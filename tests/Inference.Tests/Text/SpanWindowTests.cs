using AsArm.Inference.ModelFolders;
using AsArm.Inference.Tests.Support;
using AsArm.Inference.Tests.Tokenization;
using AsArm.Inference.Text;

namespace AsArm.Inference.Tests.Text;

/// <summary>A text to score that is too long is cut around its spans, which stay together.</summary>
[TestClass]
public sealed class SpanWindowTests
{
    private static readonly SegmentEncoder s_encoder =
        new(Tokenizers.Stories, ModelFolder.Open(Files.Default).Manifest with { MaxLength = 64 }, GapSpacing.AsTyped);

    [TestMethod]
    [DataRow(0, 0)]
    [DataRow(0, 200)]
    [DataRow(200, 0)]
    [DataRow(200, 200)]
    public void Encode_MayCut_HasAllSpansAndAsMuchTextAsFits(int wordsBefore, int wordsAfter)
    {
        string before = Words(wordsBefore), after = Words(wordsAfter);
        List<TextSegment> segments = TextMarkup.Parse($"{before}[[The cat]] sat on [[the]] big [[mat]]{after}", spans: true);
        InfillText window = SpanWindow.Encode(segments, s_encoder, mayCut: true);
        string text = window.Fill(["<The cat>", "<the>", "<mat>"]);
        int start = text.IndexOf("<The cat> sat on <the> big <mat>", StringComparison.Ordinal), end = text.IndexOf("<mat>", StringComparison.Ordinal) + 5;
        Assert.IsGreaterThanOrEqualTo(0, start);
        StringAssert.EndsWith(before, text[..start]);
        StringAssert.StartsWith(after, text[end..]);
        if (wordsBefore + wordsAfter > 0)
            Assert.IsInRange(62, 64, window.Tokens.Length);
        Assert.AreEqual(wordsBefore > 0, start > 0);
        Assert.AreEqual(wordsAfter > 0, end < text.Length);
    }

    [TestMethod]
    public void Encode_MayNotCut_RefusesALongText()
    {
        List<TextSegment> segments = TextMarkup.Parse($"{Words(200)}[[The cat]]", spans: true);
        StringAssert.Contains(Assert.ThrowsExactly<InfillTextException>(() => SpanWindow.Encode(segments, s_encoder, mayCut: false)).Message, "tokens");
        CollectionAssert.AreEqual(
            InfillText.Encode(TextMarkup.Parse("A [[cat]]", spans: true), s_encoder).Tokens,
            SpanWindow.Encode(TextMarkup.Parse("A [[cat]]", spans: true), s_encoder, mayCut: false).Tokens);
    }

    /// <summary>A text that is cut may have more characters than are tokenised at once.</summary>
    [TestMethod]
    public void Encode_TextOfVeryManyCharacters_IsCut()
    {
        string before = Words(90_000);
        Assert.IsGreaterThan(TextLimits.MaxCharacters, before.Length);
        InfillText window = SpanWindow.Encode([new TextSegment.Literal(before, Marked: false), new TextSegment.Literal("cat", Marked: true)], s_encoder, mayCut: true);
        Assert.IsInRange(62, 64, window.Tokens.Length);
    }

    /// <summary>A text that fits is not cut, however many characters it has: many spaces are one token.</summary>
    [TestMethod]
    public void Encode_TextOfTheMostCharactersThatFits_IsNotCut()
    {
        TextSegment[] segments = [new TextSegment.Literal("The" + new string(' ', TextLimits.MaxCharacters - 6), Marked: false), new TextSegment.Literal("cat", Marked: true)];
        CollectionAssert.AreEqual(SpanWindow.Encode(segments, s_encoder, mayCut: false).Tokens, SpanWindow.Encode(segments, s_encoder, mayCut: true).Tokens);
    }

    /// <summary>The parts together, not the longest one alone.</summary>
    [TestMethod]
    public void Encode_PartsOfTogetherVeryManyCharacters_AreCut()
    {
        var part = new TextSegment.Literal(Words(60_000), Marked: false);
        Assert.IsInRange(TextLimits.MaxCharacters / 2, TextLimits.MaxCharacters, part.Text.Length);
        Assert.IsInRange(62, 64, SpanWindow.Encode([part, new TextSegment.Literal("cat", Marked: true), part], s_encoder, mayCut: true).Tokens.Length);
    }

    [TestMethod]
    public void Encode_WhatNoWindowTakes_IsRefused()
    {
        void IsRefused(string message, params TextSegment[] segments) => StringAssert.Contains(
            Assert.ThrowsExactly<InfillTextException>(() => SpanWindow.Encode(segments, s_encoder, mayCut: true)).Message, message);
        var cat = new TextSegment.Literal("cat", Marked: true);
        IsRefused("are supported in windows", new TextSegment.Literal(new string(' ', TextLimits.MaxWindowedCharacters), Marked: false), cat);
        IsRefused("Given tokens are not supported in windows", new TextSegment.Literal("", Marked: false) { Tokens = new int[200] }, cat);
        IsRefused("The marked spans do not fit into a window", cat, new TextSegment.Literal(Words(200), Marked: false), cat);
    }

    private static string Words(int count) => string.Concat(Enumerable.Range(0, count).Select(i => i % 3 == 0 ? " The little dog" : " and the ball"));
}
