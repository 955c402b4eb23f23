using AsArm.Inference.ModelFolders;
using AsArm.Inference.Tests.Support;
using AsArm.Inference.Tests.Tokenization;
using AsArm.Inference.Text;

namespace AsArm.Inference.Tests.Text;

/// <summary>Limits are inclusive, and messages say what exceeds which of them.</summary>
[TestClass]
public sealed class TextLimitsTests
{
    private static readonly SegmentEncoder s_encoder =
        new(Tokenizers.Stories, ModelFolder.Open(Files.Default).Manifest with { MaxLength = 128 }, GapSpacing.AsTyped);

    [TestMethod]
    [DataRow(TextLimits.MaxCharacters, false)]
    [DataRow(TextLimits.MaxWindowedCharacters, true)]
    public void RequireCharacters_OneTooMany_IsRefused(int limit, bool inWindows)
    {
        TextLimits.RequireCharacters(limit, inWindows);
        Refuses(() => TextLimits.RequireCharacters(limit + 1, inWindows), $"The text has {limit + 1} characters, at most {limit} are supported");
    }

    [TestMethod]
    public void RequireWindow_GapAsLongAsTheModelTakes_IsRefused()
    {
        TextLimits.RequireWindow(new TextSegment.Gap(127), 128);
        Refuses(() => TextLimits.RequireWindow(new TextSegment.Gap(128), 128), "A gap of 128 tokens does not fit");
    }

    [TestMethod]
    public void RequireWindow_SpansThatDoNotFit_SaysHowLongTheyAre()
    {
        TextLimits.RequireWindow([Span("The cat"), Span("sat.")], s_encoder);
        string words = string.Concat(Enumerable.Repeat(" cat", 128));
        Refuses(() => TextLimits.RequireWindow([Span(words)], s_encoder), "from the first to the last they have 129 tokens, the model takes 128 tokens");
        string longest = new(' ', TextLimits.MaxCharacters - 3);
        TextLimits.RequireWindow([Span("cat"), new TextSegment.Literal(longest, Marked: false)], s_encoder);
        Refuses(() => TextLimits.RequireWindow([Span("cats"), new TextSegment.Literal(longest, Marked: false)], s_encoder), $"they have {TextLimits.MaxCharacters + 1} characters");
    }

    [TestMethod]
    [DataRow("The", " [[cat]]", true, "The text has 129 tokens; the model takes 128.")]
    [DataRow("", "[[The]]", true, "The text has 129 tokens, one of them the separator before a text that begins with a marked span; the model takes 128.")]
    [DataRow("The", " <mask>", false, "The text has 129 tokens with its gaps; the model takes 128.")]
    [DataRow("", "<mask>", false, "The text has 129 tokens with its gaps, one of them the separator before a text that begins with a gap; the model takes 128.")]
    public void RequireTokens_OneTooMany_SaysWhatTheyAre(string before, string target, bool spans, string message)
    {
        string text = before + target + string.Concat(Enumerable.Repeat(" cat", 126));
        List<TextSegment> segments = TextMarkup.Parse(text, spans), longer = TextMarkup.Parse(text + " cat", spans);
        Assert.HasCount(128, InfillText.Encode(segments, s_encoder).Tokens);
        Refuses(() => InfillText.Encode(longer, s_encoder), message);
    }

    private static TextSegment.Literal Span(string text) => new(text, Marked: true);

    private static void Refuses(Action action, string message) => StringAssert.Contains(Assert.ThrowsExactly<InfillTextException>(action).Message, message);
}
