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

    private static string Sentences(int from, int to) => string.Join(' ', Enumerable.Range(from, to - from).Select(
        i => $"The {new[] { "boy", "girl", "cat", "dog", "bird" }[i % 5]} saw a {new[] { "red", "big", "little" }[i % 3]} ball."));

    private static long Tokens(string text) => s_encoder.Count([new TextSegment.Literal(text, Marked: false)]).Total;
}
