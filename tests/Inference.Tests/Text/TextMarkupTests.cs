using AsArm.Inference.Text;

namespace AsArm.Inference.Tests.Text;

[TestClass]
public sealed class TextMarkupTests
{
    [TestMethod]
    [DataRow("A <mask> b", "A |1| b")]
    [DataRow("A <mask:3> b<mask:12>", "A |3| b|12")]
    [DataRow("<mask><mask:2>", "1|2")]
    [DataRow(@"\<mask> is \[[x]]", @"<mask> is \[[x]]")]
    [DataRow(@"a \ b \\< c", @"a \ b \< c")]
    [DataRow(@"LaTeX \[ x + <mask> \]", @"LaTeX \[ x + |1| \]")]
    [DataRow(@"regex \[a-z\]+ <mask>", @"regex \[a-z\]+ |1")]
    [DataRow(@"C:\dir\\<mask>.txt", @"C:\dir\|1|.txt")]
    [DataRow(@"\\server\share\\<mask:2>", @"\\server\share\|2")]
    [DataRow(@"\\\<mask>", @"\<mask>", DisplayName = "Three backslashes: one and an escaped <")]
    [DataRow(@"\\\\<mask>", @"\\|1", DisplayName = "Four backslashes: two and a gap")]
    [DataRow(@"\<b> \\<b> \\\<b> \\\\<b>", @"<b> \<b> \<b> \\<b>")]
    [DataRow(@"\\\ <mask> \\\", @"\\\ |1| \\\", DisplayName = "Backslashes elsewhere are literal")]
    [DataRow(@"a\\[[b]] <mask>", @"a\\[[b]] |1")]
    [DataRow("<masked> <mas <Mask>", "<masked> <mas <Mask>")]
    [DataRow("[[x]] <mask>", "[[x]] |1")]
    public void Parse_Gaps_SplitsTheText(string text, string expected) => Assert.AreEqual(expected, Show(TextMarkup.Parse(text, spans: false)));

    [TestMethod]
    [DataRow("The [[cat sat]] on", "The |(cat sat)| on")]
    [DataRow("[[a]][[b]]", "(a)|(b)")]
    [DataRow(@"\[[a]] [[b\]]]", @"[[a]] |(b\)|]")]
    [DataRow("a ]] b [[c]]", "a ]] b |(c)")]
    [DataRow("[[a [[b]]", "(a [[b)")]
    [DataRow("[[]]", "()")]
    [DataRow(@"a\\[[b]]", @"a\|(b)")]
    [DataRow(@"a\\\[[b]] [[c]]", @"a\[[b]] |(c)")]
    [DataRow(@"\<mask> \\[ [[\<\\\[]]", @"<mask> \[ |(<\[)")]
    public void Parse_Spans_SplitsTheText(string text, string expected) => Assert.AreEqual(expected, Show(TextMarkup.Parse(text, spans: true)));

    [TestMethod]
    [DataRow("a <mask:0>", "size 0")]
    [DataRow("a <mask:x>", "malformed")]
    [DataRow("a <mask:>", "malformed")]
    [DataRow("a <mask:-3>", "malformed")]
    [DataRow("a <mask:+3>", "malformed")]
    [DataRow("a <mask: 3>", "malformed")]
    [DataRow("a <mask:3", "malformed")]
    [DataRow("a <mask:99999999999999999999>", "99999999999999999999 tokens")]
    [DataRow("a <mask:1000000000000>", "The gap at character 2 has 1000000000000 tokens, more than any model takes")]
    [DataRow("<mask:123456789012345678901234>", "has 123456789012345678901234 tokens")]
    [DataRow("<mask:1234567890123456789012345>", "has 123456789012345678901234... tokens")]
    [DataRow("ab [[a <mask> b]]", "The marked span at character 3 contains a gap")]
    [DataRow("ab [[a", "The marked span at character 3 is not closed")]
    [DataRow("[[a <mask> b]]", "at character 0 contains a gap")]
    [DataRow("[[a", "not closed")]
    public void Parse_MalformedMarkup_Throws(string text, string message) =>
        StringAssert.Contains(Assert.ThrowsExactly<InfillTextException>(() => TextMarkup.Parse(text, spans: true)).Message, message);

    [TestMethod]
    [DataRow(0xD83D)]
    [DataRow(0xDC00)]
    public void Parse_LoneSurrogate_IsRefused(int surrogate)
    {
        foreach ((string text, int at) in new[] { ($"a {(char)surrogate} <mask>", 2), ($"<mask> {(char)surrogate}", 7), ($"😀{(char)surrogate}😀<mask>", 2) })
            StringAssert.Contains(Assert.ThrowsExactly<InfillTextException>(() => TextMarkup.Parse(text, spans: false)).Message, $"Unicode: a lone surrogate at character {at}.");
    }

    [TestMethod]
    public void Parse_HugeGap_DoesNotOverflow() => Assert.AreEqual("9000000000|999999999999", Show(TextMarkup.Parse("<mask:9000000000><mask:999999999999>", spans: false)));

    private static string Show(IEnumerable<TextSegment> segments) => string.Join('|', segments.Select(segment => segment switch
    {
        TextSegment.Gap gap => $"{gap.Count}",
        TextSegment.Literal { Marked: true } span => $"({span.Text})",
        TextSegment.Literal literal => literal.Text,
        _ => throw new NotSupportedException(),
    }));
}
