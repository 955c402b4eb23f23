using AsArm.Assd.Ordering;
using AsArm.Assd.Samplers;
using AsArm.Assd.Tests.Exactness;
using AsArm.Assd.Tests.Support;
using AsArm.Inference.Gaps;
using AsArm.Inference.Infilling;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Tests.Support;
using AsArm.Inference.Text;

namespace AsArm.Inference.Tests.Infilling;

/// <summary>
/// Open gaps, with a network that was not trained with them: their distribution is defined by any network, and few tokens let it be enumerated through ONNX, by the
/// joint density of text and end in a gap with a position more than its largest length.
/// </summary>
[TestClass]
public sealed class OpenGapTests
{
    private const string Markup = "Tom saw <mask:2-3> here";
    private const int Shortest = 2, Longest = 3, Samples = 800;
    private const double MinPValue = 1e-4;

    private static readonly TemporaryFolder s_folder = FolderWithEnd();
    private static readonly TextInfiller s_infiller = TextInfiller.Open(s_folder.Path);
    private static readonly InfillTokenizer s_tokenizer = InfillTokenizer.Open(ModelFolder.Open(Files.Text));
    private static readonly int s_end = ModelFolder.Open(s_folder.Path).Manifest.GapEndId!.Value;
    private static readonly int[] s_ids = [.. new[] { "\u2581a", "\u2581cat", "s" }.Select(piece => Enumerable.Range(0, s_tokenizer.VocabularySize).First(token => s_tokenizer.PieceOf(token) == piece))];

    private static InfillOptions Options => new()
    {
        Temperature = 0.5,
        BannedTokens = [.. Enumerable.Range(0, s_tokenizer.VocabularySize).Except(s_ids)],
        Lengths = new LengthOptions { Method = LengthMethod.OpenGaps },
        MaxTries = 2_000,
    };

    [ClassCleanup]
    public static void CloseModel()
    {
        s_infiller.Dispose();
        s_folder.Dispose();
    }

    [TestMethod]
    [DataRow(SamplerKind.Fused)]
    [DataRow(SamplerKind.Assd)]
    public void Infill_OpenGap_HasTheJointDistributionOfTextAndLength(SamplerKind sampler)
    {
        Dictionary<string, (double Probability, double End)> joint = Enumerate();
        InfillResult[] results = Sample(Options with { Sampler = sampler });
        GoodnessOfFitResult fit = Compare(results, joint);
        Console.WriteLine($"{joint.Count} fillings, {fit}, {results.Average(result => result.Gaps[0].Conditioning!.Tries):F1} tries");
        Assert.IsGreaterThan(MinPValue, fit.PValue, fit.ToString());
        foreach (InfilledGap gap in results.Take(20).Select(result => result.Gaps[0]))
        {
            Assert.AreEqual((GapAccuracy.Exact, GapMethod.OpenGap), (gap.Accuracy, gap.Method));
            Assert.AreEqual(joint[KeyOf(gap)].End, gap.EndLogProbability!.Value, 1e-4);
            Assert.AreEqual(gap.LogProbability + gap.EndLogProbability!.Value, Math.Log(gap.Probability), 1e-9);
        }
    }

    /// <summary>Controls: ends where they are asked for by masks without weights, and lengths drawn alike whatever the text.</summary>
    [TestMethod]
    public void Infill_AnotherDistribution_IsCaught()
    {
        Dictionary<string, (double Probability, double End)> joint = Enumerate();
        InfillResult[] masked = Sample(Options with { MaxTries = 0, Particles = 1 });
        Assert.IsLessThan(MinPValue, Compare(masked, joint).PValue, "masks without weights");
        Assert.AreEqual(GapAccuracy.Estimate, masked[0].Gaps[0].Accuracy);
        Assert.IsLessThan(MinPValue, Compare(Sample(Options with { Lengths = new LengthOptions() }), joint).PValue, "another method");
    }

    [TestMethod]
    public void Infill_SeveralGaps_AreFilledFromLeftToRight()
    {
        InfillResult result = s_infiller.Infill("Tom <mask:1-4> saw <mask> and <mask:1-2,/[a-z ]+/> or <mask:1-3>.", Options with { BannedTokens = [], Seed = 3 });
        CollectionAssert.AreEqual(new[] { GapMethod.OpenGap, GapMethod.Sampling, GapMethod.Rejection, GapMethod.OpenGap }, result.Gaps.Select(gap => gap.Method).ToArray());
        Assert.IsTrue(result.Gaps.Where((_, i) => i != 1).All(gap => gap.Accuracy == GapAccuracy.Estimate), "Not all conditions were met jointly.");
        Assert.AreEqual($"Tom {result.Gaps[0]} saw {result.Gaps[1]} and {result.Gaps[2]} or {result.Gaps[3]}.", result.Text);
        Assert.AreEqual(result.Statistics.LogProbability, result.Gaps.Sum(gap => gap.LogProbability), 1e-9);
        Assert.IsTrue(result.Gaps[0].EndLogProbability < 0 && result.Gaps[1].EndLogProbability is null && result.Gaps[2].EndLogProbability is null);
        Assert.DoesNotContain(s_end, result.Gaps.SelectMany(gap => gap.Tokens.Select(token => token.Id)));
        Assert.HasCount(result.Gaps.Sum(gap => gap.Tokens.Count), result.Sequences.Single().LogProbabilities);
    }

    [TestMethod]
    public void Infill_GreedyDecoding_EndsWhereItMust()
    {
        InfilledGap gap = s_infiller.Infill(Markup, Options with { Temperature = 0 }).Gaps[0];
        Assert.Contains(gap.Tokens.Count, new[] { Shortest, Longest });
        Assert.AreEqual(GapAccuracy.Estimate, gap.Accuracy, "Masks step by step.");
    }

    [TestMethod]
    public void Infill_NoRoomForTheEnd_IsRefused()
    {
        TokenCount used = s_infiller.CountTokens(InfillPrompt.Parse("Tom <mask> saw"));
        string text = "Tom <mask:1-2> saw" + string.Concat(Enumerable.Repeat(" a", (int)(used.Maximum - used.Total)));
        StringAssert.Contains(Assert.ThrowsExactly<InfillTextException>(() => s_infiller.Infill(text, Options)).Message, "too long for <mask:1-2> as an open gap");
        Assert.HasCount(1, s_infiller.Infill(text, Options with { Lengths = new LengthOptions() }).Gaps[0].Tokens);
    }

    [TestMethod]
    public async Task Infill_ModelWithoutOpenGaps_IsRefused()
    {
        StringAssert.Contains(Assert.ThrowsExactly<InfillTextException>(() => ConditionedTask.Infiller.Infill(Markup, Options)).Message, "not trained with open gaps");
        Assert.AreEqual(GapMethod.Sampling, ConditionedTask.Infiller.Infill("Tom saw <mask:2> here", Options).Gaps[0].Method, "It has no gap of unknown length.");
        Assert.AreEqual(
            nameof(InfillOptions.Sampler), Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => s_infiller.Infill(Markup, Options with { Sampler = SamplerKind.Parallel })).ParamName);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => s_infiller.Infill(Markup, Options with { Lengths = new LengthOptions { Method = (LengthMethod)2 } }));
        await Assert.ThrowsExactlyAsync<ArgumentOutOfRangeException>(
            () => s_infiller.CandidateFillingsAsync(InfillPrompt.Parse("Tom saw <mask:2-3> here"), new CandidateOptions { Lengths = new LengthOptions { Method = LengthMethod.OpenGaps } }));
    }

    /// <summary>The folder with a text tokenizer, in which a special token ends open gaps.</summary>
    private static TemporaryFolder FolderWithEnd()
    {
        var folder = new TemporaryFolder(Files.Text);
        string manifest = File.ReadAllText(folder.In(ModelFolder.ManifestFile));
        int end = ModelFolder.Open(Files.Text).Manifest.SpecialIds[^1];
        File.WriteAllText(folder.In(ModelFolder.ManifestFile), manifest.Replace("\"mask_id\"", $"\"gap_end_id\": {end}, \"mask_id\"", StringComparison.Ordinal));
        return folder;
    }

    private static InfillResult[] Sample(InfillOptions options) =>
        [.. s_infiller.InfillBatch([.. Enumerable.Range(0, Samples).Select(seed => new InfillRequest(Markup, options with { Seed = seed }))])];

    private static GoodnessOfFitResult Compare(InfillResult[] results, Dictionary<string, (double Probability, double End)> joint)
    {
        string[] keys = [.. joint.Keys];
        var counts = new int[keys.Length];
        foreach (InfillResult result in results)
            counts[Array.IndexOf(keys, KeyOf(result.Gaps[0]))]++;
        double sum = joint.Values.Sum(one => one.Probability);
        return GoodnessOfFit.Compare(counts, [.. keys.Select(key => joint[key].Probability / sum)]);
    }

    /// <summary>The probability of each filling and its end, and the log-probability of the end alone.</summary>
    private static Dictionary<string, (double Probability, double End)> Enumerate()
    {
        using OnnxAnySubsetModel model = OnnxModelLoader.Open(ModelFolder.Open(s_folder.Path));
        var encoder = new SegmentEncoder(s_tokenizer, ModelFolder.Open(s_folder.Path).Manifest, GapSpacing.AsTyped);
        InfillText text = InfillText.Encode([.. InfillPrompt.Parse(Markup).Segments.Select(segment => segment is TextSegment.Gap ? new TextSegment.Gap(Longest + 1) : segment)], encoder);
        var order = Order.LeftToRight(text.Given);
        InfillOptions options = Options with { BannedTokens = [.. Options.BannedTokens.Where(token => token != s_end)], BannedTokensAt = text.BannedAt };
        var joint = new Dictionary<string, (double, double)>();
        foreach (int[] filling in Enumerable.Range(Shortest, Longest - Shortest + 1).SelectMany(Fillings))
        {
            int[] tokens = text.Tokens, targets = [.. filling, s_end];
            for (int i = 0; i < targets.Length; i++)
                tokens[order.Positions[order.GivenCount + i]] = targets[i];
            double[] logs = [.. JointDensity.LogProbabilities(model, order, tokens, options).Take(targets.Length)];
            if (double.IsFinite(logs.Sum()))
                joint[string.Join(',', filling)] = (Math.Exp(logs.Sum()), logs[^1]);
        }

        return joint;
    }

    private static IEnumerable<int[]> Fillings(int length) => length == 0 ? [[]]
        : Fillings(length - 1).SelectMany(before => s_ids.Select(token => (int[])[.. before, token]));

    private static string KeyOf(InfilledGap gap) => string.Join(',', gap.Tokens.Select(token => token.Id));
}
