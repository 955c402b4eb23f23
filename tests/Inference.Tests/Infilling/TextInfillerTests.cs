using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Inference.Infilling;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Tests.Support;
using AsArm.Inference.Text;

namespace AsArm.Inference.Tests.Infilling;

/// <summary>The public API, on the default model. No test expects certain words.</summary>
[TestClass]
public sealed class TextInfillerTests
{
    private const string Text = "The little dog <mask:4> the garden and <mask:6> until <mask>.";

    private static readonly TextInfiller s_infiller = TextInfiller.Open(Files.Default);

    [ClassCleanup]
    public static void CloseModel() => s_infiller.Dispose();

    [TestMethod]
    [DataRow(SamplerKind.Fused, DecodingOrder.LeftToRight)]
    [DataRow(SamplerKind.Fused, DecodingOrder.RightToLeft)]
    [DataRow(SamplerKind.Fused, DecodingOrder.Random)]
    [DataRow(SamplerKind.Ngram, DecodingOrder.LeftToRight)]
    [DataRow(SamplerKind.Ngram, DecodingOrder.Random)]
    [DataRow(SamplerKind.Parallel, DecodingOrder.LeftToRight)]
    [DataRow(SamplerKind.Sequential, DecodingOrder.LeftToRight)]
    [DataRow(SamplerKind.Assd, DecodingOrder.LeftToRight)]
    [DataRow(SamplerKind.Assd, DecodingOrder.RightToLeft)]
    [DataRow(SamplerKind.Assd, DecodingOrder.Random)]
    public void Infill_AnySamplerAndOrder_FillsEveryGapAndKeepsTheRest(SamplerKind sampler, DecodingOrder order)
    {
        for (int seed = 0; seed < 5; seed++)
        {
            InfillResult result = s_infiller.Infill(Text, new InfillOptions { Sampler = sampler, Order = order, Seed = seed });
            Assert.HasCount(3, result.Gaps);
            Assert.AreEqual($"The little dog {result.Gaps[0]} the garden and {result.Gaps[1]} until {result.Gaps[2]}.", result.Text);
            Assert.AreEqual(11, result.Statistics.Generated);
            Assert.IsLessThanOrEqualTo(11, result.Statistics.Nfe);
            Assert.IsTrue(result.Statistics.LogProbability < 0);
            Assert.AreEqual(seed, result.Seed);
        }
    }

    [TestMethod]
    public void Infill_SameSeed_GivesTheSameText()
    {
        var options = new InfillOptions { Seed = 42 };
        Assert.AreEqual(s_infiller.Infill(Text, options).Text, s_infiller.Infill(Text, options).Text);
        Assert.AreNotEqual(s_infiller.Infill(Text, options).Text, s_infiller.Infill(Text, options with { Seed = 43 }).Text);
    }

    [TestMethod]
    public void Infill_WithoutSeed_ReturnsOneThatReproducesIt()
    {
        InfillResult drawn = s_infiller.Infill(Text);
        Assert.AreEqual(drawn.Text, s_infiller.Infill(Text, new InfillOptions { Seed = drawn.Seed }).Text);
    }

    [TestMethod]
    public void InfillBatch_MoreThanMaxBatchSize_GivesEachAsAloneOrInAnyBatch()
    {
        InfillRequest[] requests = [.. Enumerable.Range(0, TextInfiller.MaxBatchSize + 5).Select(i => new InfillRequest(
            $"Tom had {new string('a', i % 3)} <mask:{1 + i % 7}> in his bag.", new InfillOptions { Seed = i, Sampler = (SamplerKind)(i % 5), DraftLength = i % 3 == 0 ? 3 : null }))];
        IReadOnlyList<InfillResult> together = s_infiller.InfillBatch(requests);
        for (int i = 0; i < requests.Length; i++)
        {
            bool isFused = requests[i].Options.Sampler == SamplerKind.Fused; // in throughput mode
            foreach (InfillResult again in (InfillResult[])[
                s_infiller.Infill(requests[i].Text, requests[i].Options with { DraftMode = isFused ? DraftMode.Throughput : null }),
                s_infiller.InfillBatch([requests[i], requests[(i + 1) % requests.Length]])[0]])
            {
                Assert.AreEqual(again.Text, together[i].Text);
                Assert.AreEqual(again.Statistics, together[i].Statistics, "Bit-identical, as kernels are row-invariant.");
            }
        }
    }

    /// <summary>Requests are taken one by one as others finish, and results are in their order.</summary>
    [TestMethod]
    public void InfillMany_LongAndShortGaps_TakesTheNextAsOthersFinish()
    {
        int taken = 0;
        IEnumerable<InfillRequest> Requests()
        {
            for (int i = 0; i < 60; i++, taken++)
                yield return new InfillRequest($"Number {i} <mask:{(i == 0 ? 40 : 1)}>.", new InfillOptions { Seed = i });
        }

        int received = 0, takenAtFirst = 0;
        foreach (InfillResult result in s_infiller.InfillMany(Requests()))
        {
            if (received == 0)
                takenAtFirst = taken;
            Assert.StartsWith($"Number {received++}", result.Text);
        }

        Assert.AreEqual(60, received);
        Assert.AreEqual(60, takenAtFirst, "All others are filled while the long one is running.");
    }

    [TestMethod]
    public void InfillMany_OneLongBeforeVeryMany_DoesNotTakeAllAtOnce()
    {
        int taken = 0;
        IEnumerable<InfillRequest> Requests()
        {
            for (; taken < 1000; taken++)
                yield return new InfillRequest($"Number {taken} <mask:{(taken == 0 ? 100 : 1)}>.", new InfillOptions { Seed = taken });
        }

        InfillResult first = s_infiller.InfillMany(Requests()).First();
        Assert.AreEqual(100, first.Statistics.Generated);
        Assert.IsLessThan(400, taken, "The number of waiting results is bounded.");
        Assert.AreEqual(11, s_infiller.Infill(Text).Statistics.Generated, "The model can be used after abandoning an enumeration.");
    }

    [TestMethod]
    public void InfillMany_InvalidRequest_Throws()
    {
        InfillRequest[] requests = [new("A <mask>.", new InfillOptions { Seed = 1 }), new("No gap.", new InfillOptions())];
        Assert.ThrowsExactly<InfillTextException>(() => s_infiller.InfillMany(requests).ToList());
    }

    [TestMethod]
    public void Open_WithoutTheCache_FillsTheSame()
    {
        using TextInfiller stateless = TextInfiller.Open(Files.Default, new() { UseCache = false, UseFloat32 = true }), cached = TextInfiller.Open(Files.Default, new() { UseFloat32 = true });
        for (int seed = 0; seed < 5; seed++)
        {
            var options = new InfillOptions { Seed = seed };
            InfillResult expected = stateless.Infill(Text, options), found = cached.Infill(Text, options);
            Assert.AreEqual(expected.Text, found.Text);
            Assert.AreEqual(expected.Statistics.Nfe, found.Statistics.Nfe, "The first pass includes the prompt.");
            Assert.AreEqual(expected.Statistics.LogProbability, found.Statistics.LogProbability, 1e-3);
        }
    }

    /// <summary>The joint density is the product of the sequential conditionals, and one forward pass computes it.</summary>
    [TestMethod]
    public void LogProbability_OfSequentialSamples_EqualsTheJointDensity()
    {
        using TextInfiller infiller = TextInfiller.Open(Files.Default, new() { UseFloat32 = true });
        foreach (double temperature in new[] { 1, 0.7 })
        {
            var options = new SamplingOptions { BannedTokens = [.. infiller.Folder.Manifest.SpecialIds], Temperature = temperature };
            for (int seed = 0; seed < 5; seed++)
            {
                bool[] given = [.. Enumerable.Range(0, 40).Select(i => i % 3 == 0)];
                int[] tokens = [.. Enumerable.Range(0, 40).Select(i => 10 + 31 * i)];
                Order order = Order.LeftToRight(given);
                var sampler = new SequentialSampler(order, tokens, options, infiller.Model.VocabularySize);
                double[] density = [];
                infiller.RunExclusive(model =>
                {
                    new SamplingLoop(model, [sampler], [new SplitMix64(seed)]).Run(CancellationToken.None);
                    density = JointDensity.LogProbabilities(model, order, sampler.Tokens, options);
                });
                Assert.AreEqual(sampler.Statistics.LogProbability, density.Sum(), 1e-4);
            }
        }
    }

    [TestMethod]
    public void Score_OfSpans_AddsUpAndDependsOnBothSides()
    {
        ScoreResult score = s_infiller.Score("The [[cat sat]] on the [[mat]].");
        Assert.HasCount(2, score.Spans);
        Assert.AreEqual("cat sat", score.Spans[0].Text);
        Assert.AreEqual(score.LogProbability, score.Spans.Sum(span => span.LogProbability), 1e-9);
        Assert.AreEqual(score.Tokens, score.Spans.Sum(span => span.Tokens));
        Assert.AreNotEqual(score.LogProbability, s_infiller.Score("The [[cat sat]] on the [[mat]]!").LogProbability);
    }

    [TestMethod]
    public void Score_PlausibleWord_BeatsAnImplausibleOne() => Assert.IsGreaterThan(
        s_infiller.Score("Once upon a [[mouse]], there was a little girl.").LogProbability,
        s_infiller.Score("Once upon a [[time]], there was a little girl.").LogProbability);

    /// <summary>Any white space separates words, on either side of the markup of a span.</summary>
    [TestMethod]
    [DataRow("Hello there. [[Tom]] was happy.", "Hello there.\n[[Tom]] was happy.")]
    [DataRow("Hello there. [[Tom]] was happy.", "Hello there.\t[[Tom]] was happy.")]
    [DataRow("[[Tom]] was happy.", "\n[[Tom]] was happy.")]
    [DataRow("The [[little]] dog ran.", "The [[little ]]dog ran.")]
    public void Score_OtherWhiteSpace_GivesTheSame(string text, string same) =>
        Assert.AreEqual(s_infiller.Score(text).LogProbability, s_infiller.Score(same).LogProbability, 1e-4);

    [TestMethod]
    public void Score_WithoutWhiteSpace_Differs() => Assert.AreNotEqual(
        s_infiller.Score("The [[little]] dog ran.").LogProbability, s_infiller.Score("The [[little]]dog ran.").LogProbability, 0.1);

    [TestMethod]
    public void Infill_AfterDispose_Throws()
    {
        TextInfiller infiller = TextInfiller.Open(Files.Default);
        infiller.Dispose();
        infiller.Dispose();
        Assert.ThrowsExactly<ObjectDisposedException>(() => infiller.Infill(Text));
    }

    [TestMethod]
    public async Task InfillStreamAsync_LastUpdate_HasTheTextOfInfillAsync()
    {
        var options = new InfillOptions { Seed = 7 };
        var updates = new List<InfillUpdate>();
        await foreach (InfillUpdate update in s_infiller.InfillStreamAsync(Text, options))
            updates.Add(update);
        InfillResult result = await s_infiller.InfillAsync(Text, options);
        Assert.AreEqual(result.Text, updates[^1].Text);
        Assert.HasCount(result.Statistics.Nfe, updates);
        Assert.IsTrue(updates[^1].IsFinal);
        StringAssert.Contains(updates[0].Text, "<mask:");
        Assert.IsTrue(updates.SkipLast(1).All(update => !update.IsFinal));
    }

    [TestMethod]
    public async Task InfillAsync_ConcurrentCalls_GiveTheSameTexts()
    {
        string[] expected = [.. Enumerable.Range(0, 8).Select(seed => s_infiller.Infill(Text, new InfillOptions { Seed = seed }).Text)];
        InfillResult[] results = await Task.WhenAll(Enumerable.Range(0, 8).Select(seed => s_infiller.InfillAsync(Text, new InfillOptions { Seed = seed })));
        CollectionAssert.AreEqual(expected, results.Select(result => result.Text).ToArray());
    }

    [TestMethod]
    public async Task Infill_Cancelled_Throws()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        Assert.ThrowsExactly<OperationCanceledException>(() => s_infiller.Infill(Text, null, cancelled.Token));
        await Assert.ThrowsAsync<OperationCanceledException>(() => s_infiller.InfillAsync(Text, null, cancelled.Token));
        Assert.AreEqual(11, s_infiller.Infill(Text).Statistics.Generated);
    }

    [TestMethod]
    public void Infill_BannedTokens_NeverAppear()
    {
        int the = InfillTokenizer.Open(s_infiller.Folder.TokenizerPath!, s_infiller.Folder.Manifest).EncodeStart("the")[0];
        InfillRequest Request(int seed, int[] banned) => new("He went to <mask> house.", new InfillOptions { Seed = seed, BannedTokens = banned });
        Assert.IsTrue(s_infiller.InfillBatch([.. Enumerable.Range(0, 100).Select(seed => Request(seed, []))]).Any(result => result.Gaps[0].Text == "the"));
        Assert.IsFalse(s_infiller.InfillBatch([.. Enumerable.Range(0, 100).Select(seed => Request(seed, [the]))]).Any(result => result.Gaps[0].Text == "the"));
    }

    [TestMethod]
    public void Infill_TopKOfOne_IsDeterministic()
    {
        InfillResult[] results = [.. Enumerable.Range(0, 5).Select(seed => s_infiller.Infill(Text, new InfillOptions { TopK = 1, Seed = seed }))];
        Assert.HasCount(1, results.Select(result => result.Text).Distinct());
        Assert.AreEqual(0, results[0].Statistics.LogProbability, 1e-6);
    }

    [TestMethod]
    public void Infill_InvalidOption_NamesIt() => StringAssert.Contains(
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => s_infiller.Infill(Text, new InfillOptions { Temperature = -1 })).Message, "Temperature");

    public static IEnumerable<(string Name, InfillOptions Options)> InvalidOptions =>
    [
        (nameof(InfillOptions.Sampler), new() { Sampler = (SamplerKind)99 }),
        (nameof(InfillOptions.Order), new() { Order = (DecodingOrder)99 }),
        (nameof(InfillOptions.GapSpacing), new() { GapSpacing = (GapSpacing)99 }),
        (nameof(InfillOptions.ForwardPassOverhead), new() { ForwardPassOverhead = 0 }),
        (nameof(InfillOptions.BannedTokensAt), new() { BannedTokensAt = new Dictionary<int, TokenSet> { [1] = new([5]) } }),
        (nameof(InfillOptions.TopP), new() { TopP = 2 }),
    ];

    [TestMethod]
    [DynamicData(nameof(InvalidOptions))]
    public void Infill_OptionOutOfRange_IsTheNamedParameter(string name, InfillOptions options)
    {
        ArgumentOutOfRangeException error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => s_infiller.Infill(Text, options));
        Assert.AreEqual(name, error.ParamName);
        StringAssert.StartsWith(error.Message, name);
    }

    [TestMethod]
    public void JointLogProbability_ResultOfAnotherModel_IsRefused()
    {
        using TextInfiller infiller = TextInfiller.Open(Files.Default, new() { UseFloat32 = true });
        InfillResult result = infiller.Infill(Text, new InfillOptions { Seed = 1 });
        Assert.AreEqual(result.Statistics.LogProbability, infiller.JointLogProbability(result), 1e-4);
        InfillResult other = result with { Sequences = [.. result.Sequences.Select(sequence => sequence with { Model = "another" })] };
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => s_infiller.JointLogProbability(other)).Message, "another model");
    }

    [TestMethod]
    public void Open_FolderWithoutTokenizer_SupportsTokensOnly()
    {
        using TextInfiller infiller = TextInfiller.Open(Files.Tiny);
        Assert.AreEqual(64, infiller.Model.VocabularySize);
        StringAssert.Contains(Assert.ThrowsExactly<ModelFolderException>(() => infiller.Infill("a <mask>")).Message, "tokenizer");
    }
}
