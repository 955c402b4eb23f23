using AsArm.Assd.Tests.Support;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Tests.Support;
using AsArm.Inference.Tests.Text;
using AsArm.Inference.Text;
using AsArm.Inference.Tokenization;

namespace AsArm.Inference.Tests.Tokenization;

/// <summary>asarm-code: all white space of code is encoded, and decoding restores it.</summary>
[TestClass]
public sealed class CodeEncodingTests
{
    private const int TwoSpaces = 0, LineFeed = 3, Tab = 4;

    private static readonly InfillTokenizer s_code = Tokenizers.Xlnet(null, ModelManifest.CodeEncoding);
    private static readonly ModelManifest s_manifest = ModelFolder.Open(Files.Default).Manifest;
    private static readonly string[] s_files = [.. TokenizerRecord.Read(Files.Golden("tokenizer")).CodeFiles()];

    [TestMethod]
    public void Encode_WhiteSpace_GivesWhiteSpaceTokens()
    {
        CollectionAssert.AreEqual(
            new[] { Word("the"), LineFeed, Tab, Word("and"), TwoSpaces, Word("of"), Word("a") }, s_code.EncodeStart("the\n\tand  of a"));
        CollectionAssert.AreEqual(new[] { LineFeed, TwoSpaces, TwoSpaces, Word("the") }, s_code.EncodeStart("\n    the"));
        CollectionAssert.AreEqual(new[] { LineFeed, TwoSpaces, TwoSpaces, TwoSpaces }, s_code.EncodeContinuation("\n      "));
    }

    /// <summary>Pairs are formed from the left; a remaining space is encoded too, unlike in the authors' program.</summary>
    [TestMethod]
    public void Encode_ThreeSpaces_DiffersFromTwo()
    {
        int[] two = s_code.EncodeStart("a\n  the"), three = s_code.EncodeStart("a\n   the");
        CollectionAssert.AreNotEqual(two, three);
        Assert.AreEqual(TwoSpaces, three[2]);
        Assert.AreEqual("a\n   the", s_code.DecodeStart(three));
    }

    [TestMethod]
    public void Decode_AnyWhiteSpace_RestoresIt()
    {
        string[] runs = ["", "\n", "\t", "\n\n", "\t\t", " \n", "\n ", " \t ", .. Enumerable.Range(1, 9).Select(count => new string(' ', count))];
        foreach (string first in runs)
        {
            foreach (string last in runs)
                AssertRoundTrip($"{first}x{last}{first}if{last}");
        }
    }

    [TestMethod]
    public void Decode_Code_RestoresIt()
    {
        Assert.IsGreaterThan(100, s_files.Length);
        foreach (string text in s_files)
            AssertRoundTrip(text);
    }

    /// <summary>Controls: without the encoding, white space is lost; with normalisation, only its changes are.</summary>
    [TestMethod]
    public void Decode_OtherEncodings_LosesText()
    {
        InfillTokenizer plain = Tokenizers.Xlnet(null), rules = Tokenizers.Xlnet(new TextRules(), ModelManifest.CodeEncoding);
        Assert.IsTrue(s_files.All(text => plain.DecodeStart(plain.EncodeStart(text)) != text));
        Assert.AreEqual("x =\n  \"", rules.DecodeStart(rules.EncodeStart("x =\n  ''")));
        Assert.AreEqual(" a\n   b ", rules.DecodeStart(rules.EncodeStart(" a\n   b ")));
    }

    [TestMethod]
    public void IsText_OfWhiteSpaceTokens_IsTrue()
    {
        foreach (int token in Enumerable.Range(0, 9))
            Assert.AreEqual(token is TwoSpaces or LineFeed or Tab, s_code.IsText(token), $"Token {token}.");
        Assert.AreEqual("\n\t  ", s_code.Decode([LineFeed, Tab, TwoSpaces]));
    }

    /// <summary>A hand-written manifest may omit special_ids; without the encoding these tokens are then text.</summary>
    [TestMethod]
    public void Decode_WhiteSpaceTokensNotInSpecialIds_GivesWhiteSpace()
    {
        ModelManifest manifest = s_manifest with { SpecialIds = [] };
        string path = Files.Golden("tokenizer/spiece.model");
        InfillTokenizer code = InfillTokenizer.Open(path, manifest with { TextEncoding = ModelManifest.CodeEncoding });
        Assert.AreEqual("\n\t  ", code.Decode([LineFeed, Tab, TwoSpaces]));
        Assert.AreEqual("<cls><sep>", InfillTokenizer.Open(path, manifest).Decode([LineFeed, Tab]));
    }

    [TestMethod]
    [DataRow("def f(x):\n    <mask>", "\n  return", "def f(x):\n    \n  return")]
    [DataRow("x = <mask> + 1", " a", "x = a + 1")]
    [DataRow("x =<mask> + 1", "\t", "x =\t + 1")]
    [DataRow("x = <mask>\n\ty", " a", "x = a\n\ty")]
    [DataRow("\n <mask>;", " a", "\n a;")]
    [DataRow("\n   <mask>   ;", " a", "\n   a   ;")]
    [DataRow("x   <mask>", "a", "x   a")]
    [DataRow("鬱 <mask>", " a", "鬱 a")]
    [DataRow("<mask>\r\n  \u00a0x", " a", "a\r\n  \u00a0x")]
    public void Fill_Code_KeepsGivenText(string text, string gap, string expected)
    {
        int[] tokens = s_code.EncodeContinuation(gap);
        InfillText encoded = InfillText.Encode(text.Replace("<mask>", $"<mask:{tokens.Length}>"), spans: false, s_code, s_manifest);
        Assert.AreEqual(expected, encoded.FillGaps(tokens));
    }

    [TestMethod]
    public void Fill_AdjacentGaps_UsesWhiteSpaceOfTheFirstForTheSecond()
    {
        InfillText encoded = InfillText.Encode("a<mask><mask>", spans: false, s_code, s_manifest);
        Assert.AreEqual("a\nthe", encoded.FillGaps([LineFeed, Word("the")]));
        Assert.AreEqual("a the the", encoded.FillGaps([Word("the"), Word("the")]));
    }

    /// <summary>The tokens of code with a gap are those of the whole, and the tokens of the whole fill the gap.</summary>
    [TestMethod]
    public void Encode_CodeWithAGap_GivesTheTokensOfTheWhole()
    {
        var random = new Random(3);
        int checkedGaps = 0;
        foreach (string text in s_files.Select(text => text[..Math.Min(text.Length, 150)]))
        {
            int[] whole = s_code.EncodeStart(text);
            int from = random.Next(1, whole.Length - 1), to = random.Next(from + 1, whole.Length);
            while (to < whole.Length && !char.IsWhiteSpace(s_code.Decode([whole[to]])[0]))
                to++; // a part of a word may have other pieces
            if (s_code.IsWhiteSpace(whole[to - 1]) || s_code.Decode([whole[from - 1]]) == " ")
                continue; // given text does not show white space at the end of the gap, nor which space is left over by pairs
            string before = s_code.DecodeStart(whole.AsSpan(0, from)), after = text[s_code.DecodeStart(whole.AsSpan(0, to)).Length..];
            bool carriesSpace = s_code.Decode([whole[from]])[0] == ' ' && !s_code.IsWhiteSpace(whole[from]) && !s_code.IsWhiteSpace(whole[from - 1]);
            string marked = Escape(before + (carriesSpace ? " " : "")) + $"<mask:{to - from}>" + Escape(after);
            InfillText encoded = InfillText.Encode(marked, spans: false, s_code, s_manifest with { MaxLength = 1000 });
            int[] encodedTokens = encoded.Tokens;
            Assert.HasCount(whole.Length, encodedTokens, marked);
            whole.AsSpan(from, to - from).CopyTo(encodedTokens.AsSpan(from));
            CollectionAssert.AreEqual(whole, encodedTokens, marked);
            Assert.AreEqual(text, encoded.FillGaps(whole[from..to]));
            checkedGaps++;
        }

        Assert.IsGreaterThan(80, checkedGaps);
    }

    [TestMethod]
    public void Encode_MarkedSpanOfUnknownCharacters_Throws()
    {
        InfillText.Encode("a[[  \n]]", spans: true, s_code, s_manifest);
        StringAssert.Contains(
            Assert.ThrowsExactly<InfillTextException>(() => InfillText.Encode("a[[  鬱]]", spans: true, s_code, s_manifest)).Message, "cannot write");
    }

    [TestMethod]
    [DataRow("a [[= 1]]\n  b")]
    [DataRow("if x:[[\n    ]]y  ")]
    [DataRow("a[[a ]]b")]
    [DataRow("a[[  b]] c")]
    [DataRow("a\n[[b]]\tc")]
    public void Encode_MarkedSpans_GivesTheTokensOfTheWhole(string marked) => CollectionAssert.AreEqual(
        s_code.EncodeStart(marked.Replace("[[", "").Replace("]]", "")), InfillText.Encode(marked, spans: true, s_code, s_manifest).Tokens);

    [TestMethod]
    public void Open_TokenizerWithoutWhiteSpaceTokens_Throws()
    {
        using var folder = new TemporaryFolder();
        byte[] model = File.ReadAllBytes(Files.Golden("tokenizer/spiece.model"));
        model[model.AsSpan().IndexOf("<sep>"u8)] = (byte)'(';
        File.WriteAllBytes(folder.In("no-sep.model"), model);
        StringAssert.Contains(
            Assert.ThrowsExactly<ModelFolderException>(() => Tokenizers.Open(folder.In("no-sep.model"), null, ModelManifest.CodeEncoding)).Message,
            "<sep>");
    }

    private static int Word(string text) => s_code.EncodeStart(text).Single();

    private static void AssertRoundTrip(string text) => Assert.AreEqual(text, s_code.DecodeStart(s_code.EncodeStart(text)));

    private static string Escape(string text) => text.Replace("<mask", @"\<mask", StringComparison.Ordinal);
}
