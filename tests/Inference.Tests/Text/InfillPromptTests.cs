using AsArm.Inference.Infilling;
using AsArm.Inference.Tests.Support;
using AsArm.Inference.Text;
using CsCheck;

namespace AsArm.Inference.Tests.Text;

/// <summary>Prompts as segments and as markup.</summary>
[TestClass]
public sealed class InfillPromptTests
{
    private const int Texts = 10_000;

    /// <summary>Random texts with many parts of markup.</summary>
    private static readonly Gen<string> s_texts = Gen.Frequency(
            (6, OneOf("\\", "\\\\", "<", ">", "[", "[[", "]", "]]", "<mask>", "<mask", "<mask:2>", "<MASK>", "mask:3>", ":", "2")),
            (3, OneOf(" ", "a", "\n", "é", "😀", "日本", "C:\\dir\\")),
            (1, Gen.Char[' ', '\u024F'].Select(character => character.ToString())))
        .Array[0, 24].Select(string.Concat);

    private static readonly Gen<InfillPrompt> s_prompts = Gen.Select(s_texts, Gen.Int[0, 3]).Array[0, 6].Select(parts =>
    {
        var prompt = new InfillPrompt();
        foreach ((string text, int gap) in parts)
            _ = gap == 0 ? prompt.AddText(text) : prompt.AddText(text).AddGap(gap);
        return prompt;
    });

    [TestMethod]
    public void Parse_OfAnEscapedText_GivesTheText() => Property.ForEach(
        s_texts, text => Assert.AreEqual(text, OnlyText(InfillPrompt.Parse(InfillPrompt.Escape(text)).Segments)));

    [TestMethod]
    public void ParseScore_OfAnEscapedText_GivesTheText() => Property.ForEach(
        s_texts, text => Assert.AreEqual(text, OnlyText(ScorePrompt.Parse(ScorePrompt.Escape(text)).Segments)));

    /// <summary>With gaps between any texts, and adjacent gaps.</summary>
    [TestMethod]
    public void Parse_OfAPromptAsMarkup_GivesItsSegments() => Property.ForEach(s_prompts, prompt => CollectionAssert.AreEqual(
        prompt.Segments.ToArray(), InfillPrompt.Parse(prompt.ToString()).Segments.ToArray(), prompt.ToString()));

    /// <summary>Control: without escapes most of these texts are changed.</summary>
    [TestMethod]
    public void Parse_OfAnUnescapedText_ChangesIt()
    {
        int changed = 0;
        Property.ForEach(s_texts, text => changed += Survives(text) ? 0 : 1);
        Assert.IsGreaterThan(Texts / 2, changed);
    }

    [TestMethod]
    [DataRow(@"C:\dir\", @"C:\dir\")]
    [DataRow("1 < 2 [x]", @"1 \< 2 [x]")]
    [DataRow(@"\<mask>", @"\\\<mask>")]
    public void Escape_OfAText_GivesItsMarkup(string text, string expected) => Assert.AreEqual(expected, InfillPrompt.Escape(text));

    [TestMethod]
    public void Escape_OfATextToScore_GivesItsMarkup() => Assert.AreEqual(@"\\\[x] \< y]", ScorePrompt.Escape(@"\[x] < y]"));

    [TestMethod]
    public void AddText_AdjacentTexts_AreOneSegment()
    {
        InfillPrompt prompt = new InfillPrompt().AddText("a ").AddText("").AddText("<mask>").AddGap().AddGap(2).AddText(@"\");
        CollectionAssert.AreEqual(
            new TextSegment[] { new TextSegment.Literal("a <mask>", false), new TextSegment.Gap(1), new TextSegment.Gap(2), new TextSegment.Literal(@"\", false) },
            prompt.Segments.ToArray());
        Assert.AreEqual(@"a \<mask><mask:1><mask:2>\", prompt.ToString());
    }

    /// <summary>Joining strings at each call would allocate 40 GB.</summary>
    [TestMethod]
    public void AddText_ManyTimes_TakesLinearMemory()
    {
        const int Parts = 100_000;
        long before = GC.GetAllocatedBytesForCurrentThread();
        var prompt = new InfillPrompt();
        var score = new ScorePrompt();
        for (int i = 0; i < Parts; i++)
        {
            prompt.AddText("ab");
            score.AddText("ab");
        }

        Assert.AreEqual(2 * Parts, OnlyText(prompt.Segments).Length);
        Assert.AreEqual(2 * Parts, OnlyText(score.Segments).Length);
        Assert.IsLessThan(20_000_000, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    /// <summary>A list of segments that was taken before shows what is added after.</summary>
    [TestMethod]
    public void Segments_TakenBeforeAdditions_ShowThem()
    {
        var prompt = new InfillPrompt();
        IReadOnlyList<TextSegment> segments = prompt.Segments;
        Assert.IsEmpty(segments);
        prompt.AddText("a");
        Assert.HasCount(1, segments);
        prompt.AddText("b").AddGap(2).AddText("c");
        CollectionAssert.AreEqual(
            new TextSegment[] { new TextSegment.Literal("ab", false), new TextSegment.Gap(2), new TextSegment.Literal("c", false) }, segments.ToArray());
    }

    /// <summary>A span is no given text: what follows it is a segment of its own.</summary>
    [TestMethod]
    public void AddText_AfterASpan_IsAnotherSegment() => CollectionAssert.AreEqual(
        new TextSegment[] { new TextSegment.Literal("a", false), new TextSegment.Literal("b", true), new TextSegment.Literal("cd", false) },
        new ScorePrompt().AddText("a").AddSpan("b").AddText("c").AddText("d").Segments.ToArray());

    [TestMethod]
    public void Add_InvalidPart_Throws()
    {
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new InfillPrompt().AddGap(0));
        Assert.ThrowsExactly<InfillTextException>(() => new InfillPrompt().AddText("\ud800"));
        Assert.ThrowsExactly<InfillTextException>(() => new ScorePrompt().AddSpan("\udc00"));
        Assert.ThrowsExactly<ArgumentNullException>(() => new InfillRequest((InfillPrompt)null!, new InfillOptions()));
    }

    [TestMethod]
    [DataRow("A <MASK> b <mask>", "'<MASK>' at character 2")]
    [DataRow("A <mask/> b <mask>", "'<mask/>' at character 2")]
    [DataRow("A <mask :3> b <mask>", "'<mask :3>' at character 2")]
    [DataRow("A <Mask:2> b <mask>", "'<Mask:2>' at character 2")]
    [DataRow("A [MASK] b <mask>", "'[MASK]' at character 2")]
    [DataRow("A [mask:3] b <mask>", "'[mask:3]' at character 2")]
    [DataRow("A < mask > b <mask>", "'< mask >' at character 2")]
    [DataRow("A </mask> b <mask>", "'</mask>' at character 2")]
    [DataRow("A <|mask|> b <mask>", "'<|mask|>' at character 2")]
    [DataRow("A <mask=3> b <mask>", "'<mask=3>' at character 2")]
    [DataRow("A <mask3> b <mask>", "'<mask3>' at character 2")]
    [DataRow("A <mask b <mask>", "'<mask' at character 2")]
    [DataRow("<MASK> <mask> <Mask> [MASK]", "'<MASK>' at character 0 is plain text, not a gap (nor are 2 more like it)")]
    public void Warning_TextThatLooksLikeAGap_NamesIt(string markup, string named) =>
        StringAssert.Contains(InfillPrompt.Parse(markup).Warning, named);

    [TestMethod]
    [DataRow("[MASK] <mask>", "'[MASK]' at character 0 is plain text, not a gap: a gap is <mask> or <mask:N>")]
    [DataRow("<MASK> <mask> <Mask>", "'<MASK>' at character 0 is plain text, not a gap (nor are 1 more like it): a gap is <mask> or <mask:N>")]
    public void Warning_Texts_CountsThem(string markup, string warning) => Assert.AreEqual(warning, InfillPrompt.Parse(markup).Warning?.TrimEnd('.'));

    [TestMethod]
    public void Infill_Prompt_HasNoWarningAboutItsText()
    {
        using TextInfiller infiller = TextInfiller.Open(Files.Default);
        InfillPrompt prompt = new InfillPrompt().AddText("A [MASK] and ").AddGap().AddText(".");
        Assert.IsNull(infiller.Infill(prompt).Warning);
        Assert.IsNotNull(infiller.Infill(prompt.ToString()).Warning);
    }

    [TestMethod]
    [DataRow("A <mask> b <mask:3>")]
    [DataRow("<masked> <mask_id> <unmask> [[mask]] [masked] [mask me] mask MASK")]
    [DataRow(@"\<MASK> \<mask/>")]
    public void Warning_OtherTexts_IsNull(string markup) => Assert.IsNull(InfillPrompt.Parse(markup).Warning);

    private static Gen<string> OneOf(params string[] parts) => Gen.Int[0, parts.Length - 1].Select(part => parts[part]);

    private static string OnlyText(IReadOnlyList<TextSegment> segments) =>
        segments.Count == 0 ? "" : ((TextSegment.Literal)segments.Single()).Text;

    private static bool Survives(string text)
    {
        try
        {
            return InfillPrompt.Parse(text).Segments is [] or [TextSegment.Literal] && OnlyText(InfillPrompt.Parse(text).Segments) == text;
        }
        catch (InfillTextException)
        {
            return false;
        }
    }
}
