using AsArm.Assd.Randomness;
using AsArm.Assd.Tests.Support;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Tests.Support;
using AsArm.Inference.Tests.Tokenization;
using AsArm.Inference.Text;

namespace AsArm.Inference.Tests.Text;

/// <summary>Selection of the text around a gap for a window.</summary>
[TestClass]
public sealed class TextWindowTests
{
    private static readonly ModelManifest s_manifest = ModelFolder.Open(Files.Text).Manifest;
    private static readonly SegmentEncoder s_encoder = new(Tokenizers.Stories, s_manifest, GapSpacing.AsTyped);

    /// <summary>The window is filled, with equal sides and whole words.</summary>
    [TestMethod]
    [DataRow(1)]
    [DataRow(30)]
    [DataRow(90)]
    public void Around_Gap_HasWholeWordsOnBothSides(int gap)
    {
        string before = Sentences(0, 20) + " ", after = " " + Sentences(20, 40);
        TextWindow window = TextWindow.Around(s_encoder, before, [new TextSegment.Gap(gap)], after);
        long tokens = s_encoder.Count(window.Segments).Total;
        Assert.IsInRange(s_encoder.Maximum - 3, s_encoder.Maximum, tokens);
        long left = Tokens(before[^window.Left..]), right = Tokens(after[..window.Right]);
        Assert.IsInRange(left - 4, left + 4, right);
        Assert.IsTrue(window.Left == 0 || before[^(window.Left + 1)] == ' ');
        Assert.IsTrue(window.Right == 0 || after[window.Right] == ' ');
    }

    [TestMethod]
    public void Around_GapAtAnEnd_UsesTheOtherSide()
    {
        TextWindow atStart = TextWindow.Around(s_encoder, "A ", [new TextSegment.Gap(2)], " " + Sentences(0, 30));
        TextWindow atEnd = TextWindow.Around(s_encoder, Sentences(0, 30) + " ", [new TextSegment.Gap(2)], ".");
        Assert.AreEqual((2, 1), (atStart.Left, atEnd.Right));
        Assert.IsInRange(s_encoder.Maximum - 3, s_encoder.Maximum, s_encoder.Count(atStart.Segments).Total);
        Assert.IsInRange(s_encoder.Maximum - 3, s_encoder.Maximum, s_encoder.Count(atEnd.Segments).Total);
    }

    /// <summary>Texts without words, with surrogate pairs or of white space only: the window has whole characters.</summary>
    [TestMethod]
    [DataRow("x")]
    [DataRow("😀")]
    [DataRow("a😀")]
    [DataRow(" ")]
    [DataRow("é\n")]
    [DataRow("x1 ")]
    public void Around_UnusualTexts_FitsAndIsValidUnicode(string part)
    {
        string text = string.Concat(Enumerable.Repeat(part, 20_000));
        TextWindow window = TextWindow.Around(s_encoder, text, [new TextSegment.Gap(2)], text);
        Assert.IsLessThanOrEqualTo(s_encoder.Maximum, s_encoder.Count(window.Segments).Total);
        Assert.IsGreaterThan(30, window.Left);
        Assert.IsGreaterThan(30, window.Right);
        foreach (TextSegment.Literal literal in window.Segments.OfType<TextSegment.Literal>())
            TextMarkup.RequireUnicode(literal.Text);
    }

    /// <summary>Words of one token each: equal shares, and what one side does not need goes to the other, to the last token.</summary>
    [TestMethod]
    [DataRow(500, 500, 63, 63)]
    [DataRow(500, 5, 121, 5)]
    [DataRow(5, 500, 5, 121)]
    [DataRow(20, 20, 20, 20)]
    public void Around_WordsOfOneToken_DividesTheWindowToTheLastToken(int wordsBefore, int wordsAfter, int left, int right)
    {
        Assert.AreEqual(128, s_encoder.Maximum);
        string before = string.Concat(Enumerable.Repeat("the ", wordsBefore)), after = string.Concat(Enumerable.Repeat(" the", wordsAfter));
        TextWindow window = TextWindow.Around(s_encoder, before, [new TextSegment.Gap(2)], after);
        Assert.AreEqual((4 * left, 4 * right), (window.Left, window.Right));
    }

    /// <summary>The rule, by trying all lengths: the longest side that fits, cut between words if that loses less than half of it.</summary>
    [TestMethod]
    public void Around_RandomTexts_AreCutByTheRule()
    {
        SegmentEncoder encoder = s_encoder with { Manifest = s_manifest with { MaxLength = 24 } };
        var random = new SplitMix64(1);
        string[] words = ["a", "a", new('x', 9), new('x', 30), new('x', 60), " "]; // no part of one has more tokens than the whole
        string Text() => string.Join(' ', Enumerable.Range(0, random.Next(0, 30)).Select(_ => words[random.Next(0, words.Length - 1)]));
        for (int i = 0; i < 25; i++)
        {
            string before = Text(), after = Text();
            TextSegment[] targets = [new TextSegment.Gap(1 + random.Next(0, 6))];
            long Count(int left, int right) => encoder.Count([new TextSegment.Literal(before[^left..], false), .. targets, new TextSegment.Literal(after[..right], false)]).Total;
            int Longest(int length, Func<int, bool> fits) => Enumerable.Range(0, length + 1).Last(fits);
            int CutBefore(int length) => length == before.Length ? length : Enumerable.Range((length / 2) + 1, length - (length / 2))
                .LastOrDefault(shorter => char.IsWhiteSpace(before[^(shorter + 1)]) && !char.IsWhiteSpace(before[^shorter]), length);
            int CutAfter(int length) => length == after.Length ? length : Enumerable.Range((length / 2) + 1, length - (length / 2))
                .LastOrDefault(shorter => char.IsWhiteSpace(after[shorter]) && !char.IsWhiteSpace(after[shorter - 1]), length);
            long alone = Count(0, 0);
            int left = CutBefore(Longest(before.Length, length => Count(length, 0) <= alone + ((24 - alone) / 2)));
            int right = CutAfter(Longest(after.Length, length => Count(left, length) <= 24));
            left = Math.Max(left, CutBefore(Longest(before.Length, length => Count(length, right) <= 24)));
            TextWindow window = TextWindow.Around(encoder, before, targets, after);
            Assert.AreEqual((left, right), (window.Left, window.Right), $"{i}: '{before}' and '{after}'");
        }
    }

    /// <summary>One long word before another: a cut between them loses half of the side, or one character less.</summary>
    [TestMethod]
    public void Around_BoundaryNearTheMiddleOfASide_IsUsedIfItLosesLessThanHalf()
    {
        SegmentEncoder encoder = s_encoder with { Manifest = s_manifest with { MaxLength = 12 } };
        var uses = new HashSet<(bool, bool)>();
        for (int near = 1; near < 40; near++)
        {
            string after = new string('x', near) + "  " + new string('x', 200);
            string before = new string('x', 200) + "  " + new string('x', near);
            int Longest(Func<int, IReadOnlyList<TextSegment>> segments) => Enumerable.Range(0, 200).Last(length => encoder.Count(segments(length)).Total <= 12);
            int right = Longest(length => [new TextSegment.Gap(2), new TextSegment.Literal(after[..length], false)]);
            int left = Longest(length => [new TextSegment.Literal(before[^length..], false), new TextSegment.Gap(2)]);
            Assert.AreEqual(near > right / 2 && near <= right ? near : right, TextWindow.Around(encoder, "", [new TextSegment.Gap(2)], after).Right);
            Assert.AreEqual(near > left / 2 && near <= left ? near : left, TextWindow.Around(encoder, before, [new TextSegment.Gap(2)], "").Left);
            uses.Add((near == right / 2, near == left / 2));
        }

        Assert.IsTrue(uses.Any(use => use.Item1) && uses.Any(use => use.Item2), "No boundary is at half of a side.");
    }

    /// <summary>White space has no tokens: then the reach is the limit, and no surrogate pair is split there.</summary>
    [TestMethod]
    public void Around_WhiteSpaceOnly_EndsAtTheReach()
    {
        int reach = TextWindow.Reach(s_encoder);
        string space = new(' ', reach - 1);
        TextWindow longer = TextWindow.Around(s_encoder, new(' ', 3 * reach), [new TextSegment.Gap(2)], new(' ', 3 * reach));
        Assert.AreEqual((reach, reach), (longer.Left, longer.Right));
        TextWindow exact = TextWindow.Around(s_encoder, space + " ", [new TextSegment.Gap(2)], space + " ");
        Assert.AreEqual((reach, reach), (exact.Left, exact.Right));
        TextWindow pairs = TextWindow.Around(s_encoder, "😀" + space, [new TextSegment.Gap(2)], space + "😀");
        Assert.AreEqual((reach - 1, reach + 1), (pairs.Left, pairs.Right));
        foreach (TextSegment.Literal literal in pairs.Segments.OfType<TextSegment.Literal>())
            TextMarkup.RequireUnicode(literal.Text);
    }

    [TestMethod]
    public void Reach_IsBoundByTheModelAndByWhatIsTokenisedAtOnce()
    {
        Assert.AreEqual(64 * 128, TextWindow.Reach(s_encoder));
        Assert.AreEqual(1 << 18, TextWindow.Reach(s_encoder with { Manifest = s_manifest with { MaxLength = 1 << 20 } }));
    }

    [TestMethod]
    public void Segments_OfASideWithoutText_AreTheTargetsAlone()
    {
        Assert.HasCount(1, TextWindow.Around(s_encoder, "", [new TextSegment.Gap(2)], "").Segments);
        Assert.HasCount(2, TextWindow.Around(s_encoder, "A ", [new TextSegment.Gap(2)], "").Segments);
    }

    private static string Sentences(int from, int to) => string.Join(' ', Enumerable.Range(from, to - from).Select(
        i => $"The {new[] { "boy", "girl", "cat", "dog", "bird" }[i % 5]} saw a {new[] { "red", "big", "little" }[i % 3]} ball."));

    private static long Tokens(string text) => s_encoder.Count([new TextSegment.Literal(text, Marked: false)]).Total;
}
