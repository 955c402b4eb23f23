using AsArm.Inference.Text;

namespace AsArm.Inference.Tests.Text;

/// <summary>The markup of gaps: all forms, their round trip, and errors with positions.</summary>
[TestClass]
public sealed class GapMarkupTests
{
    public static IEnumerable<object[]> Forms =>
    [
        ["<mask>", GapSpecification.Tokens()],
        ["<mask:7>", GapSpecification.Tokens(7)],
        ["<mask:2-8>", GapSpecification.Tokens(2, 8)],
        ["<mask:*>", GapSpecification.Tokens(1, 12)],
        ["<mask:~40c>", GapSpecification.Characters(36, 44)],
        ["<mask:~5c>", GapSpecification.Characters(4, 6)],
        ["<mask:~1c>", GapSpecification.Characters(1, 2)],
        ["<mask:12c>", GapSpecification.Characters(12, 12)],
        ["<mask:3-9c>", GapSpecification.Characters(3, 9)],
        ["<mask:\"a\">", GapSpecification.OneOf("a")],
        ["<mask:\"yes|no, thanks|<b>\">", GapSpecification.OneOf("yes", "no, thanks", "<b>")],
        ["<mask:\"a\\|b|\\\"c\\\"|d\\\\|\\e\">", GapSpecification.OneOf("a|b", "\"c\"", "d\\", "\\e")],
        ["<mask:/[A-Z]\\w+/>", GapSpecification.Matching(@"[A-Z]\w+")],
        ["<mask:/a\\/b>|\\\\/>", GapSpecification.Matching(@"a/b>|\\")],
        ["<mask#x>", GapSpecification.Tokens().Named("x")],
        ["<mask:3#first-name_2>", GapSpecification.Tokens(3).Named("first-name_2")],
        ["<mask:1-4,3-9c,/a+/#n>", GapSpecification.Tokens(1, 4).WithCharacters(3, 9).WithPattern("a+").Named("n")],
    ];

    [TestMethod]
    [DynamicData(nameof(Forms))]
    public void Parse_Form_IsReadAndWritten(string markup, GapSpecification expected)
    {
        TextSegment[] segments = [.. InfillPrompt.Parse($"a {markup}> b").Segments];
        Assert.AreEqual(expected, ((TextSegment.Gap)segments[1]).Specification);
        Assert.AreEqual(new TextSegment.Literal("> b", Marked: false), segments[2]);
        InfillPrompt built = new InfillPrompt().AddText("a ").AddGap(expected).AddText("> b");
        CollectionAssert.AreEqual(segments, built.Segments.ToArray());
        CollectionAssert.AreEqual(segments, InfillPrompt.Parse(built.ToString()).Segments.ToArray());
    }

    [TestMethod]
    [DataRow("ab <mask:x>", "The gap at character 3 is malformed at character 9: a number, *, ~, a \" or a / is expected")]
    [DataRow("ab <mask:3-x>", "at character 11: a number is expected")]
    [DataRow("ab <mask:3-2>", "at character 9: 2 is less than 3")]
    [DataRow("ab <mask:9-2c>", "at character 9: 2 is less than 9")]
    [DataRow("ab <mask:0-2>", "The gap at character 3 has size 0")]
    [DataRow("ab <mask:0c>", "at character 9: a gap has at least one character")]
    [DataRow("ab <mask:1001c>", "1001 characters; at most 1000")]
    [DataRow("ab <mask:1-9999999999999>", "9999999999999 tokens, more than any model takes")]
    [DataRow("ab <mask:~3>", "at character 11: c is expected")]
    [DataRow("ab <mask:~3-4c>", "at character 11: c is expected")]
    [DataRow("ab <mask:3,*>", "at character 11: the number of tokens is given twice")]
    [DataRow("ab <mask:3,4>", "at character 11: the number of tokens is given twice")]
    [DataRow("ab <mask:3c,4c>", "at character 12: the number of characters is given twice")]
    [DataRow("ab <mask:\"a\",/b/>", "at character 13: a gap has one list of choices or one pattern")]
    [DataRow("ab <mask:\"a|\">", "at character 12: a choice is empty")]
    [DataRow("ab <mask:\"\">", "at character 10: a choice is empty")]
    [DataRow("ab <mask:\"a|a\">", "at character 12: a choice is there twice")]
    [DataRow("ab <mask:\"a|b>", "at character 12: the list of choices is not closed")]
    [DataRow("ab <mask:/b>", "at character 10: the pattern is not closed")]
    [DataRow("ab <mask:/b\\/>", "at character 10: the pattern is not closed")]
    [DataRow("ab <mask://>", "at character 10: the pattern is empty")]
    [DataRow("ab <mask:3#>", "at character 11: a name of 1 to 64")]
    [DataRow("ab <mask:3#a b>", "at character 12: > is expected")]
    [DataRow("ab <mask:3 >", "at character 10: > is expected")]
    [DataRow("ab <mask#", "at character 9: a name of 1 to 64")]
    public void Parse_MalformedGap_NamesThePosition(string markup, string message) =>
        StringAssert.Contains(Assert.ThrowsExactly<InfillTextException>(() => InfillPrompt.Parse(markup)).Message, message);

    /// <summary>Megabytes of markup without an end are read no further than to the first error.</summary>
    [TestMethod]
    public void Parse_HostileMarkup_TakesLittleMemory()
    {
        foreach (string part in (string[])["1,", "\"a|", "/\\", "~", "\"\\", "#", "9", "*,", "/(a*)*"])
        {
            string markup = "<mask:" + string.Concat(Enumerable.Repeat(part, 500_000));
            long before = GC.GetAllocatedBytesForCurrentThread();
            Assert.ThrowsExactly<InfillTextException>(() => InfillPrompt.Parse(markup));
            Assert.IsLessThan(100_000, GC.GetAllocatedBytesForCurrentThread() - before, part);
        }
    }

    [TestMethod]
    public void Specification_OutOfRange_Throws()
    {
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => GapSpecification.Tokens(0));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => GapSpecification.Tokens(3, 2));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => GapSpecification.Characters(1, 1001));
        Assert.ThrowsExactly<ArgumentException>(() => GapSpecification.OneOf());
        Assert.ThrowsExactly<ArgumentException>(() => GapSpecification.OneOf("a", "a"));
        Assert.ThrowsExactly<ArgumentException>(() => GapSpecification.OneOf("a", ""));
        Assert.ThrowsExactly<ArgumentException>(() => GapSpecification.Matching("a\\"));
        Assert.ThrowsExactly<ArgumentException>(() => GapSpecification.Tokens().Named("a b"));
        Assert.ThrowsExactly<InfillTextException>(() => GapSpecification.OneOf("\ud800"));
        Assert.AreEqual(GapSpecification.Matching("a/b"), GapSpecification.Matching(@"a\/b"));
    }
}
