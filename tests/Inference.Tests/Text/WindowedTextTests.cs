using AsArm.Inference.ModelFolders;
using AsArm.Inference.Tests.Support;
using AsArm.Inference.Tests.Tokenization;
using AsArm.Inference.Text;

namespace AsArm.Inference.Tests.Text;

/// <summary>Which gaps share a window, and where windows begin. Filling them: WindowTests.</summary>
[TestClass]
public sealed class WindowedTextTests
{
    private static readonly SegmentEncoder s_encoder = new(Tokenizers.Stories, ModelFolder.Open(Files.Text).Manifest, GapSpacing.AsTyped);
    private static readonly string s_long = Words(200); // one token each, more than the model takes

    private static int Reach => TextWindow.Reach(s_encoder);

    /// <summary>Two gaps, the words between them and the separator before a gap: 96 tokens are three quarters of 128.</summary>
    [TestMethod]
    [DataRow(91, 2)]
    [DataRow(92, 1)]
    public void Current_GapsAndTheTextBetweenThem_ShareThreeQuartersOfAWindow(int words, int gaps)
    {
        Assert.AreEqual(128, s_encoder.Maximum);
        Assert.HasCount(gaps, Windows($"{s_long}<mask:2> {Words(words)}<mask:2> the").Current.TargetPositions);
    }

    /// <summary>White space has no tokens; the characters between the gaps of a window are bound by the reach, all together.</summary>
    [TestMethod]
    public void Current_GapsWithWhiteSpaceBetween_ShareAWindowWithinTheReach()
    {
        Assert.HasCount(2, Windows($"{s_long}<mask>{new string(' ', Reach)}<mask> the").Current.TargetPositions);
        Assert.HasCount(1, Windows($"{s_long}<mask>{new string(' ', Reach + 1)}<mask> the").Current.TargetPositions);
        string half = new(' ', (Reach / 2) + 1);
        Assert.HasCount(2, Windows($"{s_long}<mask>{half}<mask>{half}<mask> the").Current.TargetPositions);
        Assert.HasCount(3, Windows($"{s_long}<mask>{half[2..]}<mask>{half[2..]}<mask> the").Current.TargetPositions);
    }

    /// <summary>The text behind the last gap of a window is no part of what must be in it: both sides are cut alike.</summary>
    [TestMethod]
    public void GivenAfter_OfALongText_IsWhatTheWindowLeavesOut()
    {
        WindowedText text = Windows($"{s_long}<mask:2> {Words(90)}");
        Assert.IsInRange(4 * 26, 4 * 28, text.GivenAfter);
        Assert.IsInRange(4 * (200 - 64), 4 * (200 - 62), text.Start);
    }

    [TestMethod]
    public void Start_AfterMuchWhiteSpace_IsAtTheReach()
    {
        WindowedText text = Windows($"{s_long}{new string(' ', 3 * Reach)}<mask> the");
        Assert.AreEqual(s_long.Length + (2 * Reach), text.Start);
        Assert.AreEqual(0, text.GivenAfter);
    }

    [TestMethod]
    public void Windows_OfATextThatBeginsWithAGap_BeginThere()
    {
        WindowedText text = Windows($"<mask:2> {s_long}<mask:3> the");
        Assert.AreEqual((0, true), (text.Start, text.HasMore));
        Assert.HasCount(1, text.Current.TargetPositions);
        Assert.AreEqual($"A {s_long}<mask:3> the", text.WithCurrent(text.Current.Fill(["A"])));
        WindowedText copy = text.Copy();
        Assert.IsTrue(text.MoveNext(text.Current.Fill(["A"])));
        Assert.IsFalse(text.HasMore);
        Assert.IsTrue(copy.HasMore);
        Assert.AreEqual($"A {s_long}dog the", text.WithCurrent(text.Current.Fill(["dog"])));
        Assert.AreEqual($"A {s_long}dog the", text.Copy().WithCurrent(text.Current.Fill(["dog"])));
        Assert.IsFalse(text.MoveNext(text.Current.Fill(["dog"])));
        Assert.AreEqual($"A {s_long}dog the", text.ToString());
        Assert.IsFalse(text.MoveNext(""), "There is nothing more.");
    }

    [TestMethod]
    public void MayMoveSpace_ToTheGapOfTheNextWindow_IfTheModelDetermines()
    {
        string markup = $"{s_long}<mask:2> {s_long}<mask:3> the";
        Assert.IsFalse(Windows(markup).MayMoveSpace);
        WindowedText text = Windows(markup, GapSpacing.FromModel);
        Assert.IsTrue(text.MayMoveSpace);
        Assert.IsTrue(text.MoveNext(text.Current.Fill(["dog"])));
        Assert.IsFalse(text.MayMoveSpace, "It is the last window.");
    }

    [TestMethod]
    public void Current_TextThatFits_IsTheWholeText()
    {
        WindowedText text = Windows("The <mask> the");
        Assert.AreEqual((0, false), (text.Start, text.HasMore));
        Assert.AreEqual("The dog the", text.WithCurrent(text.Current.Fill(["dog"])));
    }

    private static string Words(int count) => string.Concat(Enumerable.Repeat("the ", count));

    private static WindowedText Windows(string text, GapSpacing spacing = GapSpacing.AsTyped) =>
        new(TextMarkup.Parse(text, spans: false), s_encoder with { Spacing = spacing }, mayCut: true);
}
