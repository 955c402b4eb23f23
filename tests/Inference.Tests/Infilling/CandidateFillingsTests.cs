using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Assd.Samplers;
using AsArm.Inference.Gaps;
using AsArm.Inference.Infilling;
using AsArm.Inference.Tests.Support;
using AsArm.Inference.Text;

namespace AsArm.Inference.Tests.Infilling;

/// <summary>The most probable fillings of gaps, through the scheduler.</summary>
[TestClass]
public sealed class CandidateFillingsTests
{
    private static readonly TextInfiller s_infiller = TextInfiller.Open(Files.Default, new() { UseFloat32 = true });

    [ClassCleanup]
    public static void CloseModel() => s_infiller.Dispose();

    [TestMethod]
    public async Task CandidateFillingsAsync_OneToken_AreTheCandidates()
    {
        const string Text = "The <mask> sat on the <mask>.";
        var options = new CandidateOptions { Count = 20 };
        IReadOnlyList<IReadOnlyList<TokenCandidate>> tokens = await s_infiller.CandidatesAsync(Text, options);
        IReadOnlyList<GapCandidates> fillings = await s_infiller.CandidateFillingsAsync(Text, options);
        Assert.HasCount(2, fillings);
        foreach ((IReadOnlyList<TokenCandidate> expected, GapCandidates gap) in tokens.Zip(fillings))
        {
            Assert.AreEqual(GapAccuracy.Exact, gap.Accuracy);
            Assert.IsTrue(gap.IsComplete);
            CollectionAssert.AreEqual(expected.Select(one => (one.Id, one.Text)).ToArray(), gap.Fillings.Select(one => (one.Tokens.Single().Id, one.Text)).ToArray());
            foreach ((TokenCandidate one, FillingCandidate other) in expected.Zip(gap.Fillings))
                Assert.AreEqual(one.Probability, other.Probability, 1e-5);
        }
    }

    /// <summary>Each filling has the probability that scoring it gives, and none of the samples is more probable than the first.</summary>
    [TestMethod]
    public async Task CandidateFillingsAsync_SeveralTokens_HaveTheProbabilitiesOfScores()
    {
        GapCandidates gap = (await s_infiller.CandidateFillingsAsync("The cat <mask:3> the mat.", new CandidateOptions { Count = 10, Beams = 50 })).Single();
        Assert.HasCount(10, gap.Fillings);
        CollectionAssert.AreEqual(gap.Fillings.OrderByDescending(one => one.LogProbability).ToArray(), gap.Fillings.ToArray());
        int compared = 0;
        foreach (FillingCandidate one in gap.Fillings)
        {
            Assert.AreEqual(one.Text, string.Concat(one.Tokens.Select(token => token.Text)));
            Assert.AreEqual(one.LogProbability, one.Tokens.Sum(token => token.LogProbability), 1e-9);
            ScoreResult score = s_infiller.Score($"The cat [[{one.Text}]] the mat.");
            if (!score.Spans[0].TokenScores.Select(token => token.Id).SequenceEqual(one.Tokens.Select(token => token.Id)))
                continue; // the words may be tokenised otherwise
            compared++;
            Assert.AreEqual(score.LogProbability, one.LogProbability, 1e-3, one.Text);
        }

        Assert.IsGreaterThan(5, compared);
        InfillRequest[] requests = [.. Enumerable.Range(0, 30).Select(seed => new InfillRequest("The cat <mask:3> the mat.", new InfillOptions { Seed = seed, Sampler = SamplerKind.Sequential }))];
        double best = s_infiller.InfillBatch(requests).Max(result => result.Statistics.LogProbability);
        Assert.IsLessThanOrEqualTo(gap.Fillings[0].LogProbability + 1e-3, best);
    }

    /// <summary>Each gap is filled without the others, whatever their lengths, and with more beams than share a forward pass.</summary>
    [TestMethod]
    public async Task CandidateFillingsAsync_SeveralGaps_AreIndependent()
    {
        var options = new CandidateOptions { Count = 3, Beams = 20 };
        IReadOnlyList<GapCandidates> gaps = await s_infiller.CandidateFillingsAsync("<mask:2> sat on <mask><mask:3>.", options);
        CollectionAssert.AreEqual(new[] { 2, 1, 3 }, gaps.Select(gap => gap.Fillings[0].Tokens.Count).ToArray());
        Assert.IsTrue(gaps.All(gap => gap.Fillings.Count == 3));
        InfillText text = Encode("<mask:2> sat on <mask><mask:3>.");
        double control = 0;
        foreach ((int index, GapCandidates gap) in gaps.Index())
        {
            foreach (FillingCandidate one in gap.Fillings)
            {
                Assert.AreEqual(Density(text, index, one, GapFirst(text, index)), one.LogProbability, 1e-3, $"gap {index}, {one.Text}");
                if (index == 2)
                    control = Math.Max(control, Math.Abs(Density(text, index, one, Order.LeftToRight(text.Given)) - one.LogProbability));
            }
        }

        Assert.IsGreaterThan(0.01, control, "Control: given the gap before it, the last one has other probabilities.");
    }

    /// <summary>The options shape the distribution that the probabilities are of.</summary>
    [TestMethod]
    [DynamicData(nameof(Distributions))]
    public async Task CandidateFillingsAsync_Options_ShapeTheDistribution(string name, CandidateOptions options)
    {
        const string Text = "The old man <mask:2> the river.";
        InfillText text = Encode(Text);
        GapCandidates gap = (await s_infiller.CandidateFillingsAsync(Text, options)).Single();
        SamplingOptions distribution = options.IsGreedy ? new SamplingOptions() : options;
        Assert.IsNotEmpty(gap.Fillings);
        double control = 0;
        foreach (FillingCandidate one in gap.Fillings)
        {
            Assert.AreEqual(Density(text, 0, one, GapFirst(text, 0), distribution), one.LogProbability, 1e-3, $"{name}: {one.Text}");
            control = Math.Max(control, Math.Abs(Density(text, 0, one, GapFirst(text, 0)) - one.LogProbability));
        }

        if (!options.IsGreedy)
            Assert.IsGreaterThan(0.01, control, "Control: the model's own distribution is another one.");
    }

    private static IEnumerable<object[]> Distributions()
    {
        var options = new CandidateOptions { Count = 4, Beams = 8 };
        yield return ["temperature", options with { Temperature = 0.6 }];
        yield return ["top-k", options with { TopK = 5 }];
        yield return ["top-p", options with { TopP = 0.6 }];
        yield return ["bias", options with { LogitBias = Enumerable.Range(100, 1_000).ToDictionary(id => id, _ => 2.0) }];
        yield return ["greedy", options with { Temperature = 0, TopK = 1 }];
    }

    /// <summary>At temperature 0 candidates are those of temperature 1, and not the mode alone.</summary>
    [TestMethod]
    public async Task Candidates_Greedy_AreThoseOfTemperatureOne()
    {
        const string Text = "The <mask> sat on the mat.";
        var greedy = new CandidateOptions { Temperature = 0 };
        CollectionAssert.AreEqual((await s_infiller.CandidateFillingsAsync(Text))[0].Fillings.Select(one => one.Text).ToArray(), (await s_infiller.CandidateFillingsAsync(Text, greedy))[0].Fillings.Select(one => one.Text).ToArray());
        IReadOnlyList<TokenCandidate> tokens = (await s_infiller.CandidatesAsync(Text, greedy))[0];
        Assert.HasCount(5, tokens);
        Assert.IsLessThan(0.99, tokens[0].Probability);
    }

    private static InfillText Encode(string text) =>
        new SegmentEncoder(s_infiller.InfillTokenizer, s_infiller.Folder.Manifest, GapSpacing.AsTyped).Encode(InfillPrompt.Parse(text).Segments);

    private static Order GapFirst(InfillText text, int gap)
    {
        Range positions = text.TargetPositions[gap];
        int[] order =
        [
            .. Enumerable.Range(0, text.Given.Length).Where(at => text.Given[at]),
            .. Enumerable.Range(positions.Start.Value, positions.End.Value - positions.Start.Value),
            .. Enumerable.Range(0, text.Given.Length).Where(at => !text.Given[at] && (at < positions.Start.Value || at >= positions.End.Value)),
        ];
        return Order.FromPositions(order, text.Given.Count(given => given));
    }

    /// <summary>The log-probability of the tokens of a gap in an order, by the joint density of the sequence; other gaps have some token.</summary>
    private static double Density(InfillText text, int gap, FillingCandidate filling, Order order, SamplingOptions? options = null)
    {
        int[] tokens = text.Tokens;
        Range positions = text.TargetPositions[gap];
        foreach (Range other in text.TargetPositions)
            tokens.AsSpan(other).Fill(100);
        for (int i = 0; i < filling.Tokens.Count; i++)
            tokens[positions.Start.Value + i] = filling.Tokens[i].Id;
        SamplingOptions distribution = (options ?? new()) with { BannedTokens = s_infiller.Setting.Banned, BannedTokensAt = text.BannedAt };
        double[] logs = [];
        s_infiller.RunExclusive(model => logs = JointDensity.LogProbabilities(model, order, tokens, distribution));
        return logs.Index().Where(entry => order.Positions[order.GivenCount + entry.Index] is int at && at >= positions.Start.Value && at < positions.End.Value).Sum(entry => entry.Item);
    }

    /// <summary>Steps are small: with 40 beams others get in after 16 sequences, and a cancelled search leaves its places.</summary>
    [TestMethod]
    public async Task CandidateFillingsAsync_ManyBeams_LetOthersIn()
    {
        GatedModel? gate = null;
        using TextInfiller infiller = TextInfiller.Open(Files.Text, new TextInfillerOptions(), model => gate = new GatedModel(model));
        using var cancelled = new CancellationTokenSource();
        Task<IReadOnlyList<GapCandidates>> search = infiller.CandidateFillingsAsync("The <mask:4> sat.", new CandidateOptions { Count = 1, Beams = 40 }, cancelled.Token);
        gate!.WaitForPass(); // of the first token
        gate.Permit();
        gate.WaitForPass(); // 16 of the 40 beams
        Task<ScoreResult> other = infiller.ScoreAsync("A [[dog]].");
        gate.Permit();
        gate.WaitForPass();
        for (int passes = 0; !other.IsCompleted && passes < 2; passes++)
        {
            gate.Permit();
            gate.WaitForPass();
        }

        Assert.IsFalse(search.IsCompleted);
        await cancelled.CancelAsync();
        gate.Open();
        await Assert.ThrowsAsync<OperationCanceledException>(() => search);
        Assert.IsLessThan(0, (await other).LogProbability);
        Assert.IsTrue(gate.BatchSizes.All(size => size <= 16));
        Assert.IsLessThan(1 + 40 + 40, gate.BatchSizes.Sum(), "The other was served before the search had done its second token.");
        Assert.HasCount(3, (await infiller.CandidateFillingsAsync("The <mask:2> sat.", new CandidateOptions { Count = 3, Beams = 40 })).Single().Fillings);
    }

    [TestMethod]
    [DataRow("A <mask:1-64>.", 1024, 1)]
    [DataRow("A <mask:400>.", 400, 1)]
    [DataRow("A <mask> ... <mask>.", 1, 30_000)]
    public async Task CandidateFillingsAsync_TooMuchWork_IsRefused(string text, int beams, int count)
    {
        text = text.Replace("...", string.Concat(Enumerable.Repeat("<mask> ", 60)), StringComparison.Ordinal);
        InfillTextException error = await Assert.ThrowsExactlyAsync<InfillTextException>(() => s_infiller.CandidateFillingsAsync(text, new CandidateOptions { Beams = beams, Count = count }));
        Assert.Contains(count > 1 ? "65536" : "131072", error.Message);
    }

    /// <summary>Gaps are searched in turn, those of one token together.</summary>
    [TestMethod]
    public async Task CandidateFillingsAsync_ManyGaps_FillForwardPasses()
    {
        GatedModel? gate = null;
        using TextInfiller infiller = TextInfiller.Open(Files.Text, new TextInfillerOptions(), model => gate = new GatedModel(model));
        gate!.Open();
        await infiller.CandidateFillingsAsync(string.Concat(Enumerable.Repeat("A <mask> day. ", 20)), new CandidateOptions { Count = 40 });
        CollectionAssert.AreEqual(new[] { 16, 4 }, gate.BatchSizes.ToArray());
    }

    /// <summary>One pass for the first tokens of all gaps, then the beams of all gaps together, as many as share a pass.</summary>
    [TestMethod]
    public async Task CandidateFillingsAsync_Beams_ShareForwardPasses()
    {
        GatedModel? gate = null;
        using TextInfiller infiller = TextInfiller.Open(Files.Text, new TextInfillerOptions(), model => gate = new GatedModel(model));
        gate!.Open();
        await infiller.CandidateFillingsAsync("The <mask:3> sat on <mask:2>.", new CandidateOptions { Count = 4, Beams = 10 });
        CollectionAssert.AreEqual(new[] { 2, 16, 4, 10 }, gate.BatchSizes.ToArray());
    }

    /// <summary>The candidates of each length, with the posterior that filling the text tells, put together.</summary>
    [TestMethod]
    [DataRow("The cat <mask:1-3> the mat.")]
    [DataRow("The cat sat on <mask:1-3>")]
    public async Task CandidateFillingsAsync_UnknownLength_AreThoseOfAllLengths(string text)
    {
        var options = new CandidateOptions { Count = 12, Beams = 20 };
        GapCandidates found = (await s_infiller.CandidateFillingsAsync(text, options)).Single();
        LengthProbability[] lengths = [.. s_infiller.Infill(text, new InfillOptions { Seed = 1 }).Gaps[0].Lengths];
        Assert.AreEqual(GapAccuracy.Estimate, found.Accuracy);
        var expected = new List<(string Text, double Probability)>();
        foreach ((LengthProbability length, LengthProbability other) in lengths.Zip(found.Lengths))
        {
            Assert.AreEqual(length.Tokens, other.Tokens);
            Assert.AreEqual(length.Probability, other.Probability, 1e-4);
            string fixedLength = text.Replace("1-3", $"{length.Tokens}", StringComparison.Ordinal);
            GapCandidates gap = (await s_infiller.CandidateFillingsAsync(fixedLength, options)).Single();
            expected.AddRange(gap.Fillings.Select(one => (one.Text, length.Probability * one.Probability)));
        }

        (string Text, double Probability)[] best = [.. expected.OrderByDescending(one => one.Probability).Take(12)];
        Assert.HasCount(12, found.Fillings);
        foreach (FillingCandidate one in found.Fillings)
        {
            Assert.AreEqual(one.LogProbability, one.Tokens.Sum(token => token.LogProbability), 1e-9);
            Assert.AreEqual(found.Lengths.Single(length => length.Tokens == one.Tokens.Count).Probability, one.LengthProbability, 1e-12);
        }

        foreach (((string filling, double probability), FillingCandidate one) in best.Zip(found.Fillings))
        {
            Assert.AreEqual(probability, one.Probability, 1e-4);
            Assert.AreEqual(filling, one.Text);
        }

        if (text.EndsWith('>'))
            Assert.IsGreaterThan(1, found.Fillings.Select(one => one.Tokens.Count).Distinct().Count(), "Where only the prior tells the length, several lengths have candidates.");
        int rare = found.Lengths.MinBy(length => length.Probability)!.Tokens;
        LengthPrior only = LengthPrior.Given([.. Enumerable.Range(1, 3).Select(length => length == rare ? 1.0 : 0.0)]);
        GapCandidates restricted = (await s_infiller.CandidateFillingsAsync(text, options with { Lengths = new LengthOptions { Prior = only } })).Single();
        Assert.IsTrue(restricted.Fillings.All(one => one.Tokens.Count == rare), "Lengths of prior probability zero have no candidates.");
        Assert.IsGreaterThan(1e-3, Math.Abs(restricted.Fillings[0].Probability - found.Fillings[0].Probability), "Control: another prior is noticed.");
    }

    [TestMethod]
    public async Task CandidateFillingsAsync_BadInput_Throws()
    {
        await Assert.ThrowsExactlyAsync<InfillTextException>(() => s_infiller.CandidateFillingsAsync("No gap."));
        await Assert.ThrowsExactlyAsync<InfillTextException>(() => s_infiller.CandidateFillingsAsync("A <mask:1-2> and <mask>."));
        Assert.AreEqual("Count", (await Assert.ThrowsExactlyAsync<ArgumentOutOfRangeException>(() => s_infiller.CandidateFillingsAsync("A <mask:2>.", new CandidateOptions { Count = 1025 }))).ParamName);
        await Assert.ThrowsExactlyAsync<ArgumentOutOfRangeException>(() => s_infiller.CandidateFillingsAsync("A <mask:2>.", new CandidateOptions { Beams = 0 }));
        await Assert.ThrowsExactlyAsync<ArgumentOutOfRangeException>(() => s_infiller.CandidateFillingsAsync("A <mask:2>.", new CandidateOptions { Beams = 1025 }));
        await Assert.ThrowsExactlyAsync<ArgumentOutOfRangeException>(
            () => s_infiller.CandidateFillingsAsync("A <mask:2>.", new CandidateOptions { BannedTokensAt = new Dictionary<int, TokenSet> { [0] = new([1]) } }));
    }
}
