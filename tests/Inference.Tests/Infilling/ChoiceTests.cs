using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Assd.Samplers;
using AsArm.Assd.Tests.Exactness;
using AsArm.Inference.Gaps;
using AsArm.Inference.Infilling;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Tests.Support;
using AsArm.Inference.Text;

namespace AsArm.Inference.Tests.Infilling;

/// <summary>Choices through the scheduler and ONNX Runtime, against joint probabilities that are computed one by one.</summary>
[TestClass]
public sealed class ChoiceTests
{
    private const int Samples = 1_500;
    private const double MinPValue = 1e-4;
    private static readonly TextInfiller s_infiller = TextInfiller.Open(Files.Text);
    private static readonly InfillTokenizer s_tokenizer = InfillTokenizer.Open(ModelFolder.Open(Files.Text));

    [ClassCleanup]
    public static void CloseModel() => s_infiller.Dispose();

    [TestMethod]
    [DataRow("Tom had a <mask:\"cat|dog|king\"> at home.")]
    [DataRow("Tom had a <mask:\"cat|dog|king\"> and a <mask:\"book|car\"> at home.")]
    [DataRow("Tom had a <mask:\"cat|dog\">, a <mask:\"book|car|king\"> and (<mask:\"a|I\">). The <mask:\"cat|dog\">!")]
    [DataRow("Tom <mask:\"s|b\"><mask:\"ed|s\"> a <mask:\"cat|dog\">.")] // what may begin a gap depends on the character before it
    public void Infill_ChoicesOfOneLength_HaveTheirJointProbability(string markup)
    {
        double[] expected = Normalise(Fillings(markup).Select(filling => LogJoint(markup, filling)));
        InfillResult[] results = Sample(markup, new InfillOptions());
        string[] keys = [.. Fillings(markup).Select(filling => string.Join('|', filling))];
        var counts = new int[keys.Length];
        foreach (InfillResult result in results)
            counts[Array.IndexOf(keys, string.Join('|', result.Gaps))]++;
        GoodnessOfFitResult fit = GoodnessOfFit.Compare(counts, expected);
        Assert.IsGreaterThan(MinPValue, fit.PValue, fit.ToString());
        Assert.AreEqual(LogJoint(markup, [.. results[0].Gaps.Select(gap => gap.Text)]), results[0].Gaps.Sum(gap => gap.LogProbability), 1e-3);
        foreach ((int gap, InfilledGap filled) in results[0].Gaps.Index())
        {
            Assert.AreEqual((GapAccuracy.Exact, GapMethod.Choice), (filled.Accuracy, filled.Method));
            foreach (ChoiceProbability choice in filled.Choices)
                Assert.AreEqual(Fillings(markup).Zip(expected).Where(one => one.First[gap] == choice.Text).Sum(one => one.Second), choice.Probability, 1e-4);
        }

        double[] flat = [.. expected.Select(_ => 1.0 / expected.Length)];
        Assert.IsLessThan(MinPValue, GoodnessOfFit.Compare(counts, flat).PValue, "Control: all alike.");
    }

    /// <summary>One of them begins a word and one does not, so that neither has the restriction to tokens that do not.</summary>
    [TestMethod]
    public void Infill_ChoicesThatDoNotMeetTheRestriction_AreComparedWithout()
    {
        const string Markup = "Tom<mask:\"s| a\"> cat.";
        double[] expected = Normalise(((string[])["s", " a"]).Select(text => LogJoint(Markup, [text], isRestricted: false)));
        double[] restricted = Normalise(((string[])["s", " a"]).Select(text => LogJoint(Markup, [text])));
        InfilledGap gap = s_infiller.Infill(Markup, new InfillOptions { Seed = 1 }).Gaps[0];
        Assert.AreEqual(expected[0], gap.Choices[0].Probability, 1e-4);
        Assert.AreNotEqual(expected[0], restricted[0], 1e-3, "Control: each as it is scored.");
    }

    [TestMethod]
    [DataRow("Tom had a <mask:\"cat| cat\">.", "begins with white space")]
    [DataRow("Tom had (<mask:\"cat|cat\u200b\">).", "the same tokens")]
    public void Infill_ChoicesThatAreTheSame_AreRefused(string markup, string message) =>
        StringAssert.Contains(Assert.ThrowsExactly<InfillTextException>(() => s_infiller.Infill(markup)).Message, message);

    [TestMethod]
    public void Infill_TooManyCombinations_AreRefused()
    {
        string list = $"<mask:\"{string.Join('|', Enumerable.Range(0, 26).Select(i => (char)('a' + i)))}\">", text = string.Join(' ', Enumerable.Repeat(list, 40));
        StringAssert.Contains(Assert.ThrowsExactly<InfillTextException>(() => s_infiller.Infill(text)).Message, "are 1040 combinations to compare, at most 1024");
    }

    [TestMethod]
    public void Infill_PriorWithoutTheOnlyLength_IsOfNoAccount()
    {
        var options = new InfillOptions { Seed = 1, Lengths = new LengthOptions { Prior = LengthPrior.Given([0, 1]) } };
        Assert.AreEqual("cat", s_infiller.Infill("Tom had a <mask:\"cat\"> and <mask:\"dog|a dog\">.", options).Gaps[0].Text);
    }

    /// <summary>Control: gap by gap, without the other gap's list, is another distribution.</summary>
    [TestMethod]
    public void Infill_SeveralChoices_AreNotIndependent()
    {
        const string Markup = "Tom had a <mask:\"cat|dog|king\"> and a <mask:\"book|car\"> at home.";
        InfillResult result = s_infiller.Infill(Markup, new InfillOptions { Seed = 1 });
        double[] expected = Normalise(Fillings(Markup).Select(filling => LogJoint(Markup, filling)));
        double[] independent = [.. Fillings(Markup).Select(filling => filling.Zip(result.Gaps, (text, gap) => gap.Choices.First(choice => choice.Text == text).Probability).Aggregate((one, other) => one * other))];
        Assert.IsGreaterThan(1e-4, expected.Zip(independent, (one, other) => Math.Abs(one - other)).Max());
    }

    /// <summary>The choices are a subset of the fillings of the gap: their ratios are those of the gap's own distribution.</summary>
    [TestMethod]
    public void Infill_OtherGaps_AreUnknownWhenChoosing()
    {
        const string Markup = "Tom had a <mask:\"cat|dog|king\"> and <mask:2> home.";
        InfillResult result = s_infiller.Infill(Markup, new InfillOptions { Seed = 1 });
        Assert.AreEqual(GapAccuracy.Exact, result.Gaps[0].Accuracy);
        double[] expected = Normalise(((string[])["cat", "dog", "king"]).Select(text => LogJoint(Markup, [text])));
        for (int i = 0; i < expected.Length; i++)
            Assert.AreEqual(expected[i], result.Gaps[0].Choices[i].Probability, 1e-4);
        Assert.HasCount(2, result.Gaps[1].Tokens);
    }

    [TestMethod]
    public void Infill_Temperature_SharpensTheChoice()
    {
        const string Markup = "Tom had a <mask:\"cat|dog|king\"> at home.";
        double[] one = [.. s_infiller.Infill(Markup, new InfillOptions { Seed = 1 }).Gaps[0].Choices.Select(choice => choice.Probability)];
        double[] sharp = [.. one.Select(probability => Math.Pow(probability, 1 / 0.25))];
        InfillResult[] results = Sample(Markup, new InfillOptions { Temperature = 0.25 });
        int[] counts = [.. results[0].Gaps[0].Choices.Select(choice => results.Count(result => result.Gaps[0].Text == choice.Text))];
        Assert.IsGreaterThan(MinPValue, GoodnessOfFit.Compare(counts, [.. sharp.Select(weight => weight / sharp.Sum())]).PValue);
        InfilledGap best = s_infiller.Infill(Markup, new InfillOptions { Temperature = 0 }).Gaps[0];
        Assert.AreEqual(best.Choices.MaxBy(choice => choice.Probability)!.Text, best.Text);
    }

    [TestMethod]
    public void Infill_ChoicesOfSeveralLengths_AreAnEstimate()
    {
        InfilledGap gap = s_infiller.Infill("Tom had a <mask:\"cat|dog and a cat|king\"> at home.", new InfillOptions { Seed = 1 }).Gaps[0];
        Assert.AreEqual((GapAccuracy.Estimate, GapMethod.Choice), (gap.Accuracy, gap.Method));
        Assert.AreEqual(1, gap.Choices.Sum(choice => choice.Probability), 1e-9);
        CollectionAssert.AreEqual(new[] { 1, 4, 1 }, gap.Choices.Select(choice => choice.Tokens).ToArray());
        double[] same = Normalise(((string[])["cat", "king"]).Select(text => LogJoint("Tom had a <mask:\"cat|king\"> at home.", [text])));
        Assert.AreEqual(same[0] / same[1], gap.Choices[0].Probability / gap.Choices[2].Probability, 1e-3, "Of one length the ratio is exact.");
    }

    /// <summary>Beyond 64 combinations the rest is chosen given what was chosen before.</summary>
    [TestMethod]
    public void Infill_ManyCombinations_GoFromLeftToRight()
    {
        string list = $"<mask:\"{string.Join('|', "cat dog king book car home".Split(' '))}\">";
        InfillResult result = s_infiller.Infill($"A {list} and {list} or {list}.", new InfillOptions { Seed = 1 });
        Assert.IsTrue(result.Gaps.All(gap => gap is { Accuracy: GapAccuracy.Estimate, Choices.Count: 6 }));
        Assert.IsTrue(s_infiller.Infill($"A {list} and {list}.", new InfillOptions { Seed = 1 }).Gaps.All(gap => gap.Accuracy == GapAccuracy.Exact));
    }

    [TestMethod]
    public void Infill_OneName_HasOneChoice()
    {
        for (int seed = 0; seed < 10; seed++)
        {
            InfillResult result = s_infiller.Infill("Tom had a <mask:\"cat|dog|king\"#x>, the (<mask:\"cat|dog|king\"#x>).", new InfillOptions { Seed = seed });
            Assert.AreEqual(result.Gaps[0].Text, result.Gaps[1].Text);
            Assert.AreEqual(result.Gaps[0].Choices[0].Probability, result.Gaps[1].Choices[0].Probability);
        }
    }

    private static InfillResult[] Sample(string markup, InfillOptions options) =>
        [.. s_infiller.InfillBatch([.. Enumerable.Range(0, Samples).Select(seed => new InfillRequest(markup, options with { Seed = seed }))])];

    private static IEnumerable<string[]> Fillings(string markup) => InfillPrompt.Parse(markup).Segments.OfType<TextSegment.Gap>()
        .Aggregate((IEnumerable<string[]>)[[]], (before, gap) => before.SelectMany(filling => gap.Specification.Choices.Select(choice => (string[])[.. filling, choice])));

    private static double[] Normalise(IEnumerable<double> logs) => LogWeights.Normalise([.. logs]);

    /// <summary>The joint log-probability of fillings, from left to right, by the scoring of spans; other gaps are unknown.</summary>
    private static double LogJoint(string markup, string[] filling, bool isRestricted = true)
    {
        int next = 0;
        ModelManifest manifest = ModelFolder.Open(Files.Text).Manifest;
        TextSegment[] segments = [.. InfillPrompt.Parse(markup).Segments.Select(segment =>
            segment is TextSegment.Gap { Specification.Choices.Count: > 0 } ? new TextSegment.Literal(filling[next++], Marked: true) : segment)];
        InfillText text = InfillText.Encode(segments, new SegmentEncoder(s_tokenizer, manifest, GapSpacing.AsTyped));
        bool[] isChosen = new bool[text.Tokens.Length];
        foreach ((Range positions, TextSegment segment) in text.TargetPositions.Zip(segments.Where(segment => segment is TextSegment.Gap or TextSegment.Literal { Marked: true })))
            isChosen.AsSpan()[positions].Fill(segment is TextSegment.Literal);
        int[] given = [.. Positions(i => text.Given[i])], chosen = [.. Positions(i => isChosen[i])], unknown = [.. Positions(i => !text.Given[i] && !isChosen[i])];
        using OnnxAnySubsetModel model = OnnxModelLoader.Open(ModelFolder.Open(Files.Text));
        var options = new InfillOptions { BannedTokens = [.. Enumerable.Range(0, s_tokenizer.VocabularySize).Where(token => !s_tokenizer.IsText(token))], BannedTokensAt = isRestricted ? text.BannedAt : new Dictionary<int, TokenSet>() };
        return JointDensity.LogProbabilities(model, Order.FromPositions([.. given, .. chosen, .. unknown], given.Length), text.Tokens, options)[..chosen.Length].Sum();

        IEnumerable<int> Positions(Predicate<int> condition) => Enumerable.Range(0, text.Tokens.Length).Where(i => condition(i));
    }
}
