using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Inference.Infilling;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Tests.Support;
using AsArm.Inference.Text;

namespace AsArm.Inference.Tests.Infilling;

/// <summary>Texts that are longer than the model takes, filled and scored in windows.</summary>
[TestClass]
public sealed class WindowTests
{
    private static readonly TextInfiller s_infiller = TextInfiller.Open(Files.Text);
    private static readonly SegmentEncoder s_encoder = new(
        InfillTokenizer.Open(s_infiller.Folder.TokenizerPath!, s_infiller.Folder.Manifest), s_infiller.Folder.Manifest, GapSpacing.AsTyped);

    /// <summary>About three times the maximum length, with two neighbouring gaps and a distant one.</summary>
    private static readonly string s_long =
        $"{Sentences(0, 12)} The dog ran <mask:3> the garden and <mask:2> a ball. {Sentences(12, 30)} At last they <mask:4> home.";

    [ClassCleanup]
    public static void Close() => s_infiller.Dispose();

    [TestMethod]
    [DataRow(SamplerKind.Fused, DecodingOrder.LeftToRight)]
    [DataRow(SamplerKind.Assd, DecodingOrder.Random)]
    [DataRow(SamplerKind.Sequential, DecodingOrder.RightToLeft)]
    public void Infill_TextThatFits_IsFilledAsWithoutWindows(SamplerKind sampler, DecodingOrder order)
    {
        for (int seed = 0; seed < 5; seed++)
        {
            var options = new InfillOptions { Sampler = sampler, Order = order, Seed = seed };
            InfillResult expected = s_infiller.Infill("The cat <mask:3> the mat and <mask:2>.", options);
            InfillResult found = s_infiller.Infill("The cat <mask:3> the mat and <mask:2>.", options with { Window = true });
            Assert.AreEqual(expected.Text, found.Text);
            Assert.AreEqual(expected.Statistics, found.Statistics);
            Assert.AreEqual(1, found.Windows);
        }
    }

    [TestMethod]
    [DataRow(SamplerKind.Fused, DecodingOrder.LeftToRight)]
    [DataRow(SamplerKind.Sequential, DecodingOrder.Random)]
    public void Infill_LongText_FillsEachGapAndKeepsGivenText(SamplerKind sampler, DecodingOrder order)
    {
        for (int seed = 0; seed < 3; seed++)
        {
            InfillResult result = s_infiller.Infill(s_long, new InfillOptions { Window = true, Sampler = sampler, Order = order, Seed = seed });
            Assert.HasCount(3, result.Gaps);
            Assert.AreEqual(InsertGaps(s_long, Texts(result)), result.Text);
            Assert.AreEqual(2, result.Windows, "The neighbouring gaps share a window.");
            Assert.AreEqual(9, result.Statistics.Generated);
            Assert.IsInRange(2, 9, result.Statistics.Nfe);
            Assert.AreEqual(result.Statistics.LogProbability, s_infiller.JointLogProbability(result), 1e-3);
        }
    }

    [TestMethod]
    public void Infill_LongTextWithoutWindows_IsRefused() =>
        StringAssert.Contains(Assert.ThrowsExactly<InfillTextException>(() => s_infiller.Infill(s_long)).Message, "--window");

    /// <summary>Each window is filled as its text alone would be.</summary>
    [TestMethod]
    public void Infill_LongText_IsFilledAsItsWindowsAlone()
    {
        var options = new InfillOptions { Window = true, TopK = 1 };
        InfillResult result = s_infiller.Infill(s_long, options);
        WindowedText text = Windows(s_long);
        var gaps = new List<string>();
        string window;
        do
        {
            window = text.Current.Fill([.. Enumerable.Range(0, gaps.Count == 0 ? 2 : 1).Select(i => $"<mask:{(gaps.Count == 0 ? 3 - i : 4)}>")]);
            InfillResult alone = s_infiller.Infill(window, options with { Window = false });
            gaps.AddRange(Texts(alone));
            window = alone.Text;
        }
        while (text.MoveNext(window));
        CollectionAssert.AreEqual(Texts(result), gaps);
        Assert.AreEqual(result.Text, text.ToString());
    }

    /// <summary>Random numbers continue from window to window, and statistics are sums. The control restarts the generator in each window.</summary>
    [TestMethod]
    [DataRow(SamplerKind.Sequential, DecodingOrder.LeftToRight)]
    [DataRow(SamplerKind.Assd, DecodingOrder.LeftToRight)]
    [DataRow(SamplerKind.Sequential, DecodingOrder.Random)]
    public void Infill_LongText_UsesOneSequenceOfRandomNumbers(SamplerKind kind, DecodingOrder order)
    {
        string text = $"{Sentences(0, 12)} The dog ran <mask:6> ball. {Sentences(12, 30)} The dog ran <mask:6> ball.";
        int different = 0;
        for (int seed = 0; seed < 4; seed++)
        {
            InfillResult result = s_infiller.Infill(text, new InfillOptions { Window = true, Sampler = kind, Order = order, Seed = seed });
            (string expected, SamplingStatistics sum) = FillWindowByWindow(text, kind, order, seed, restart: false);
            Assert.AreEqual(expected, result.Text);
            Assert.AreEqual(sum, result.Statistics);
            different += FillWindowByWindow(text, kind, order, seed, restart: true).Text == expected ? 0 : 1;
        }

        Assert.IsGreaterThan(0, different);
    }

    /// <summary>A gap right after another one is not restricted, even in a window of its own.</summary>
    [TestMethod]
    public void MoveNext_GapRightAfterAGap_IsNotRestricted()
    {
        WindowedText text = Windows("Once upon <mask:70><mask:70>");
        Assert.HasCount(1, text.Current.BannedAt);
        Assert.IsTrue(text.MoveNext(text.Current.Fill(["a time"])));
        Assert.IsEmpty(text.Current.BannedAt);
        WindowedText apart = Windows("Once upon <mask:70> <mask:70>");
        Assert.IsTrue(apart.MoveNext(apart.Current.Fill(["a time"])));
        Assert.HasCount(1, apart.Current.BannedAt);
    }

    /// <summary>An error in a later window affects that request only.</summary>
    [TestMethod]
    public void InfillOutcomes_WindowThatCannotBeFilled_FailsThatTextOnly()
    {
        int[] withMark = [.. s_encoder.Tokenizer.WithMark.Tokens];
        var good = new InfillRequest("A <mask> day.", new InfillOptions { Seed = 1 });
        var bad = new InfillRequest(
            $"He was un<mask:2>able. {Sentences(0, 40)} The <mask:2>.", new InfillOptions { Seed = 1, Window = true, BannedTokens = withMark });
        InfillOutcome[] outcomes = [.. s_infiller.InfillOutcomes([good, bad, good, good])];
        CollectionAssert.AreEqual(new[] { true, false, true, true }, outcomes.Select(outcome => outcome.Result is not null).ToArray());
        Assert.AreEqual("BannedTokens", ((ArgumentOutOfRangeException)outcomes[1].Error!).ParamName);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => s_infiller.Infill(bad.Text, bad.Options));
    }

    [TestMethod]
    public async Task InfillAsync_WindowThatCannotBeFilled_Throws()
    {
        var options = new InfillOptions { Window = true, BannedTokens = [.. s_encoder.Tokenizer.WithMark.Tokens] };
        await Assert.ThrowsExactlyAsync<ArgumentOutOfRangeException>(() => s_infiller.InfillAsync($"He was un<mask:2>able. {Sentences(0, 40)} The <mask:2>.", options));
    }

    /// <summary>White space may have no tokens, but the length that is tokenised per window is bounded.</summary>
    [TestMethod]
    public void Infill_GapsWithMuchWhiteSpace_AreFilled()
    {
        string text = "A" + string.Concat(Enumerable.Repeat(new string(' ', 30_000) + "<mask>", 80)) + ".";
        InfillResult result = s_infiller.Infill(text, new InfillOptions { Window = true, Sampler = SamplerKind.Parallel });
        Assert.AreEqual(InsertGaps(text, Texts(result)), result.Text);
    }

    [TestMethod]
    public void InfillBatch_OfLongAndShortTexts_GivesEachAsAlone()
    {
        InfillRequest[] requests = [.. Enumerable.Range(0, 20).Select(i => new InfillRequest(
            i % 3 == 0 ? s_long : $"Number {i} <mask:{i}> end.".Replace(":0>", ">"), new InfillOptions { Window = true, Seed = i, Sampler = SamplerKind.Sequential }))];
        IReadOnlyList<InfillResult> together = s_infiller.InfillBatch(requests);
        for (int i = 0; i < requests.Length; i++)
        {
            InfillResult alone = s_infiller.Infill(requests[i].Text, requests[i].Options);
            Assert.AreEqual(alone.Text, together[i].Text);
            Assert.AreEqual(alone.Statistics.Nfe, together[i].Statistics.Nfe);
        }
    }

    [TestMethod]
    public async Task InfillStreamAsync_LongText_ShowsLaterGapsAsMasks()
    {
        var updates = new List<InfillUpdate>();
        await foreach (InfillUpdate update in s_infiller.InfillStreamAsync(s_long, new InfillOptions { Window = true, Seed = 1, Sampler = SamplerKind.Sequential }))
            updates.Add(update);
        Assert.HasCount(9, updates);
        StringAssert.EndsWith(updates[0].Text, " At last they <mask:4> home.");
        StringAssert.StartsWith(updates[^2].Text, Sentences(0, 12));
        CollectionAssert.AreEqual(Enumerable.Range(1, 9).ToArray(), updates.Select(update => update.Statistics.Generated).ToArray());
        Assert.AreEqual(s_infiller.Infill(s_long, new InfillOptions { Window = true, Seed = 1, Sampler = SamplerKind.Sequential }).Text, updates[^1].Text);
    }

    [TestMethod]
    public void MoveNext_FilledText_IsGivenInLaterWindows()
    {
        WindowedText text = Windows($"{Sentences(0, 20)} Once <mask:2> {Sentences(0, 14)} The <mask>.");
        Assert.IsTrue(text.MoveNext(text.Current.Fill(["upon a"])));
        StringAssert.Contains(text.Current.Fill(["end"]), " Once upon a The boy saw");
        Assert.IsFalse(text.MoveNext(text.Current.Fill(["end"])));
        Assert.AreEqual($"{Sentences(0, 20)} Once upon a {Sentences(0, 14)} The end.", text.ToString());
    }

    [TestMethod]
    [DataRow("A <mask:128> day.", "A gap of 128 tokens does not fit into a window: the model takes 128")]
    [DataRow("A <mask:99999999999> day.", "99999999999 tokens")]
    [DataRow("No gap.", "no gap")]
    public void Infill_TextThatFitsNoWindow_IsRefused(string text, string message) => StringAssert.Contains(
        Assert.ThrowsExactly<InfillTextException>(() => s_infiller.Infill(text, new InfillOptions { Window = true })).Message, message);

    [TestMethod]
    public void Infill_LargestGapOfAWindow_IsFilled()
    {
        InfillResult result = s_infiller.Infill(
            $"{Sentences(0, 9)} <mask:127> {Sentences(0, 9)}", new InfillOptions { Window = true, Sampler = SamplerKind.Parallel });
        Assert.AreEqual(127, result.Statistics.Generated);
    }

    [TestMethod]
    public void Score_LongText_EqualsThatOfItsWindow()
    {
        ScorePrompt prompt = ScorePrompt.Parse($"{Sentences(0, 20)} The [[dog]] ran [[home]]. {Sentences(20, 40)}");
        Assert.ThrowsExactly<InfillTextException>(() => s_infiller.Score(prompt));
        ScoreResult score = s_infiller.Score(prompt, new() { Window = true });
        InfillText window = SpanWindow.Encode(prompt.Segments, s_encoder, mayCut: true);
        Assert.IsInRange(s_encoder.Maximum - 3, s_encoder.Maximum, window.Tokens.Length);
        Assert.HasCount(2, score.Spans);
        Assert.AreEqual(s_infiller.Score(window.Fill(["[[dog]]", "[[home]]"])).LogProbability, score.LogProbability, 1e-4);
        Assert.AreEqual(
            s_infiller.Score("The [[dog]] ran.").LogProbability, s_infiller.Score(ScorePrompt.Parse("The [[dog]] ran."), new() { Window = true }).LogProbability);
    }

    [TestMethod]
    public void Score_DistantSpans_AreRefused() => StringAssert.Contains(
        Assert.ThrowsExactly<InfillTextException>(
            () => s_infiller.Score(ScorePrompt.Parse($"The [[dog]] ran. {Sentences(0, 20)} The [[cat]] ran."), new() { Window = true })).Message,
        "The marked spans do not fit into a window: from the first to the last they have");

    /// <summary>Too long texts are refused before they are tokenised, which would need 80 bytes per character.</summary>
    [TestMethod]
    public void Validate_TextOfManyCharacters_IsRefusedWithoutAllocating()
    {
        string text = new string('a', 4 * TextLimits.MaxCharacters) + " <mask>";
        long before = GC.GetAllocatedBytesForCurrentThread();
        StringAssert.Contains(
            Assert.ThrowsExactly<InfillTextException>(() => s_infiller.Validate(text)).Message,
            $"{text.Length} characters, at most {TextLimits.MaxCharacters} are supported at once");
        Assert.IsLessThan(1_000_000, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    /// <summary>With windows, memory is a small multiple of the text itself: text far from a gap is not tokenised.</summary>
    [TestMethod]
    public void Validate_TextOfManyCharactersInWindows_AllocatesInProportion()
    {
        string text = string.Concat(Enumerable.Repeat("A day and a night. ", 300_000)) + "They <mask>.";
        long before = GC.GetAllocatedBytesForCurrentThread();
        s_infiller.Validate(text, new InfillOptions { Window = true });
        Assert.IsLessThan(10L * sizeof(char) * text.Length, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static (string Text, SamplingStatistics Statistics) FillWindowByWindow(string markup, SamplerKind kind, DecodingOrder order, long seed, bool restart)
    {
        ModelManifest manifest = s_infiller.Folder.Manifest;
        int[] special = [.. Enumerable.Range(0, manifest.VocabularySize).Where(token => !s_encoder.Tokenizer.IsText(token))];
        WindowedText text = Windows(markup);
        (SplitMix64 random, SplitMix64 orderRandom) = (new(seed), new(~seed));
        var sum = new SamplingStatistics();
        string filled;
        do
        {
            InfillText window = text.Current;
            Order windowOrder = order == DecodingOrder.Random ? Order.Random(window.Given, orderRandom) : Order.LeftToRight(window.Given);
            var options = new SamplingOptions { BannedTokens = special, BannedTokensAt = window.BannedAt };
            Sampler sampler = kind == SamplerKind.Assd
                ? new AssdSampler(windowOrder, window.Tokens, options, manifest.VocabularySize)
                : new SequentialSampler(windowOrder, window.Tokens, options, manifest.VocabularySize);
            SplitMix64 source = random;
            s_infiller.RunExclusive(model => new SamplingLoop(model, [sampler], [source]).Run(CancellationToken.None));
            SamplingStatistics counts = sampler.Statistics;
            sum = new SamplingStatistics(
                sum.Generated + counts.Generated, sum.Nfe + counts.Nfe, sum.Drafted + counts.Drafted, sum.Accepted + counts.Accepted,
                sum.ContentTokens + counts.ContentTokens, sum.QueryTokens + counts.QueryTokens, sum.LogProbability + counts.LogProbability);
            filled = window.Fill(window.DecodeGaps(sampler.Tokens, [.. Enumerable.Repeat(true, sampler.Tokens.Length)]));
            if (restart)
                (random, orderRandom) = (new(seed), new(~seed));
        }
        while (text.MoveNext(filled));
        return (text.ToString(), sum);
    }

    private static WindowedText Windows(string text) => new(TextMarkup.Parse(text, spans: false), s_encoder, mayCut: true);

    private static string[] Texts(InfillResult result) => [.. result.Gaps.Select(gap => gap.Text)];

    private static string InsertGaps(string text, IReadOnlyList<string> gaps)
    {
        int gap = 0;
        return string.Concat(InfillPrompt.Parse(text).Segments.Select(segment => segment is TextSegment.Literal literal ? literal.Text : gaps[gap++]));
    }

    private static string Sentences(int from, int to) => string.Join(' ', Enumerable.Range(from, to - from).Select(
        i => $"The {new[] { "boy", "girl", "cat", "dog", "bird" }[i % 5]} saw a {new[] { "red", "big", "little" }[i % 3]} ball."));
}
