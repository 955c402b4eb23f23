using System.Text;
using AsArm.Assd.Distributions;
using AsArm.Assd.Tests.Support;
using AsArm.Inference.Infilling;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Tests.Support;
using AsArm.Inference.Text;
using AsArm.Inference.Tokenization;
using CsCheck;

namespace AsArm.Inference.Tests.Text;

/// <summary>Gaps and joins with a byte-level BPE: a space before a gap is the first byte of its first token, and given text stays as it is.</summary>
[TestClass]
public sealed class ByteLevelTextTests
{
    private const int FirstByte = 9; // the ids 9 to 264 are bytes, in order

    private static readonly InfillTokenizer s_tokenizer = ByteLevelFolder.OpenTokenizer();
    private static readonly ModelManifest s_manifest = ModelFolder.Open(Files.Text).Manifest with { MaxLength = 1000 };

    private static readonly string[] s_words = ["A", "day", "un", ".", "'s", "42", "é", "鬱", "🙂", "𠀀", "a\u0301", "\r", "\ufeff", "\u0000"];
    private static readonly string[] s_spaces = [" ", " ", "  ", "\t", "\n", "\n    ", " \n", "\u00a0", "\u3000"];

    [TestMethod]
    [DataRow("The cat <mask:2> the mat.", " sat on", "The cat sat on the mat.")]
    [DataRow("The cat  <mask:2>  the\tmat. ", " sat on", "The cat  sat on  the\tmat. ")]
    [DataRow("Line\n<mask:2>\nend", " sat on", "Line\n sat on\nend")]
    [DataRow("<mask:2> the mat.", " sat on", " sat on the mat.")]
    [DataRow(" <mask:2> the mat.", " sat on", " sat on the mat.")]
    [DataRow("cat<mask:2>", "s\n", "cats\n")]
    [DataRow("A ﬁne café 🙂 <mask:2>, e\u0301.", " sat on", "A ﬁne café 🙂 sat on, e\u0301.")]
    public void Fill_OneGap_PutsTheBytesOfTheGapBetweenGivenText(string text, string gap, string expected)
    {
        InfillText encoded = InfillText.Encode(text.Replace("<mask:2>", $"<mask:{Count(gap)}>", StringComparison.Ordinal), spans: false, s_tokenizer, s_manifest);
        Assert.AreEqual(expected, encoded.FillGaps(s_tokenizer.EncodeContinuation(gap)));
    }

    /// <summary>What the first token of a gap may be, by the text before it.</summary>
    [TestMethod]
    [DataRow("The cat ", "space")]
    [DataRow("The cat\n ", "space")]
    [DataRow(" ", "space")]
    [DataRow("The cat", "no space")]
    [DataRow("🙂", "no space")]
    [DataRow("", "no space", DisplayName = "At the start the tokenizer implies no space")]
    [DataRow("The cat\n", "any")]
    [DataRow("The cat \t", "any")]
    [DataRow("The cat\u00a0", "any")]
    [DataRow("The <mask>", "any")]
    public void BannedAt_FirstTokenOfAGap_FollowsTheTextBefore(string before, string expected)
    {
        InfillText encoded = InfillText.Encode(before + "<mask>", spans: false, s_tokenizer, s_manifest);
        TokenSet? banned = encoded.BannedAt.GetValueOrDefault(encoded.Tokens.Length - 1);
        int space = s_tokenizer.EncodeStart(" ").Single(), the = s_tokenizer.EncodeStart(" the").Single(), letter = s_tokenizer.EncodeStart("a").Single();
        Assert.AreEqual(expected == "no space", banned?.Contains(space) ?? false);
        Assert.AreEqual(expected == "no space", banned?.Contains(the) ?? false);
        Assert.AreEqual(expected == "space", banned?.Contains(letter) ?? false);
    }

    [TestMethod]
    public void DecodeGaps_BytesOfOneCharacter_AreDecodedTogetherWithinTheGap()
    {
        int[] smile = Bytes("🙂");
        Assert.AreEqual("é🙂é", Fill("é<mask:4>é", smile));
        Assert.AreEqual("é\ufffdé", Fill("é<mask:3>é", smile[..3]));
        Assert.AreEqual("é\ufffda\ufffdé", Fill("é<mask:3>é", [smile[1], .. Bytes("a"), smile[2]]));
        Assert.AreEqual("é\ufffd\ufffd\ufffdé", Fill("é<mask:2><mask:2>é", smile)); // adjacent gaps are not joined: two bytes that begin a character, and two that go on
        Assert.AreEqual("é \ufffdé", Fill("é <mask:3>é", [.. Bytes(" "), .. smile[..2]]));
    }

    /// <summary>Control: bytes of a gap that were joined with those of its neighbours would change the text.</summary>
    [TestMethod]
    public void Decode_BytesOfAdjacentGapsJoined_GivesAnotherText()
    {
        int[] smile = Bytes("🙂");
        Assert.AreNotEqual(s_tokenizer.Decode(smile), s_tokenizer.Decode(smile.AsSpan(..2)) + s_tokenizer.Decode(smile.AsSpan(2)));
    }

    [TestMethod]
    public void DecodeGaps_UncommittedTokens_ShowsMasks()
    {
        InfillText encoded = InfillText.Encode("a <mask:3>", spans: false, s_tokenizer, s_manifest);
        int[] tokens = encoded.Tokens;
        bool[] committed = encoded.Given;
        tokens[^1] = Bytes("é")[0];
        committed[^1] = true;
        CollectionAssert.AreEqual(new[] { "<mask:2>\ufffd" }, encoded.DecodeGaps(tokens, committed));
    }

    /// <summary>Tokens around a target are those of the whole text, whatever white space is there.</summary>
    [TestMethod]
    public void Encode_MarkedWord_GivesTheTokensOfTheWholeText() => Property.ForEach(
        Texts(), parts =>
        {
            (string before, string after) = parts;
            if ((before.Length > 0 && !char.IsWhiteSpace(before[^1])) || (after.Length > 0 && (char.IsLetter(after[0]) || char.IsSurrogate(after[0]))))
                return; // within a word the boundary of tokens is that of the parts
            int[] tokens = InfillText.Encode($"{before}[[day]]{after}", spans: true, s_tokenizer, s_manifest).Tokens;
            CollectionAssert.AreEqual(
                s_tokenizer.EncodeStart($"{before}day{after}"), tokens[0] == s_manifest.SeparatorId ? tokens[1..] : tokens, $"{before}|{after}");
        });

    /// <summary>Control: with the space as a token of its own, tokens are others than those of the whole text.</summary>
    [TestMethod]
    public void Encode_SpaceAsATokenOfItsOwn_GivesOtherTokens() => CollectionAssert.AreNotEqual(
        s_tokenizer.EncodeStart("The day day"), (int[])[.. s_tokenizer.EncodeStart("The day "), .. s_tokenizer.EncodeContinuation("day")]);

    /// <summary>Control: if the model decides about spaces, typed ones are lost.</summary>
    [TestMethod]
    public void Fill_FromModel_LosesSpaces()
    {
        InfillText encoded = InfillText.Encode("A <mask> day.", spans: false, s_tokenizer, s_manifest, GapSpacing.FromModel);
        Assert.AreEqual("Ax day.", encoded.FillGaps(Bytes("x")));
        Assert.AreEqual("A the day.", encoded.FillGaps(s_tokenizer.EncodeStart(" the")));
        Assert.IsEmpty(encoded.BannedAt);
    }

    [TestMethod]
    public void Encode_MarkedSpans_AreAllTokensOfTheVocabulary()
    {
        InfillText encoded = InfillText.Encode("a [[🙂 \n]] [[x]]", spans: true, s_tokenizer, s_manifest);
        Assert.AreEqual(2, encoded.Score(new double[encoded.Given.Count(given => !given)]).Spans.Count);
    }

    /// <summary>Given text comes back byte for byte through the whole path, with every sampler.</summary>
    [TestMethod]
    [DataRow(SamplerKind.Fused)]
    [DataRow(SamplerKind.Assd)]
    [DataRow(SamplerKind.Parallel)]
    public void Infill_RandomTexts_KeepsGivenText(SamplerKind sampler)
    {
        using TemporaryFolder folder = ByteLevelFolder.Create();
        using TextInfiller infiller = TextInfiller.Open(folder.Path);
        var texts = new List<InfillPrompt>();
        var expected = new List<Func<IReadOnlyList<string>, string>>();
        Property.ForEach(
            Texts(), parts =>
            {
                (string before, string after) = parts;
                texts.Add(new InfillPrompt().AddText(before).AddGap(2).AddText(after).AddGap(1).AddGap(3).AddText(before));
                expected.Add(gaps => before + gaps[0] + after + gaps[1] + gaps[2] + before);
            },
            count: 150);
        InfillRequest[] requests = [.. texts.Select((text, i) => new InfillRequest(text, new InfillOptions { Seed = i, Sampler = sampler, Temperature = 2 }))];
        int incomplete = 0;
        foreach ((InfillResult result, int i) in infiller.InfillBatch(requests).Select((result, i) => (result, i)))
        {
            Assert.AreEqual(expected[i]([.. result.Gaps.Select(gap => gap.Text)]), result.Text);
            foreach (InfilledGap gap in result.Gaps)
                Assert.AreEqual((gap.Text, gap.Text), (result.Text[gap.Start..gap.End], string.Concat(gap.Tokens.Select(token => token.Text))));
            incomplete += result.Gaps.Any(gap => gap.Text.Contains('\ufffd')) ? 1 : 0;
        }

        Assert.IsGreaterThan(20, incomplete);
    }

    /// <summary>The score of a filled text whose tokens are those that were drawn is the log-probability of the draw.</summary>
    [TestMethod]
    public void Score_OfFilledTexts_EqualsTheLogProbability()
    {
        using TemporaryFolder folder = ByteLevelFolder.Create();
        using TextInfiller infiller = TextInfiller.Open(folder.Path);
        int compared = 0;
        for (int seed = 0; seed < 60; seed++)
        {
            InfillResult result = infiller.Infill("The cat <mask:2> the mat.", new InfillOptions { Seed = seed });
            InfillText marked = InfillText.Encode(
                new ScorePrompt().AddText("The cat ").AddSpan(result.Gaps[0].Text).AddText(" the mat.").Segments, new SegmentEncoder(s_tokenizer, s_manifest, GapSpacing.AsTyped));
            if (!marked.Tokens.SequenceEqual(result.Sequences.Single().Tokens))
                continue;
            double score = infiller.Score(new ScorePrompt().AddText("The cat ").AddSpan(result.Gaps[0].Text).AddText(" the mat.")).LogProbability;
            Assert.AreEqual(result.Statistics.LogProbability, score, 1e-4);
            compared++;
        }

        Assert.IsGreaterThan(20, compared);
    }

    private static Gen<(string Before, string After)> Texts() => Gen.Select(Parts(), Parts());

    private static Gen<string> Parts() => Gen.Select(Gen.Bool, Gen.Int[0, s_words.Length - 1], Gen.Int[0, s_spaces.Length - 1]).Array[0, 6]
        .Select(parts => string.Concat(parts.Select(part => part.Item1 ? s_words[part.Item2] : s_spaces[part.Item3])));

    private static string Fill(string text, int[] gaps) => InfillText.Encode(text, spans: false, s_tokenizer, s_manifest).FillGaps(gaps);

    private static int[] Bytes(string text) => [.. Encoding.UTF8.GetBytes(text).Select(TokenOfByte)];

    private static int TokenOfByte(byte value) =>
        Enumerable.Range(FirstByte, 256).Single(token => s_tokenizer.PieceOf(token)[0] == ByteAlphabet.CharacterOf(value));

    private static int Count(string text) => s_tokenizer.EncodeContinuation(text).Length;
}
