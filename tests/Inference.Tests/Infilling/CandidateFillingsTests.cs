using AsArm.Assd.Distributions;
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
        IReadOnlyList<GapCandidates> again = await s_infiller.CandidateFillingsAsync("<mask:2> sat on <mask><mask:3>.", options);
        for (int i = 0; i < 3; i++)
            CollectionAssert.AreEqual(gaps[i].Fillings.Select(one => one.Text).ToArray(), again[i].Fillings.Select(one => one.Text).ToArray());
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

    [TestMethod]
    public async Task CandidateFillingsAsync_MoreBeams_FindNoLess()
    {
        double[] best = new double[3];
        foreach ((int index, int beams) in new[] { 1, 8, 60 }.Index())
        {
            GapCandidates gap = (await s_infiller.CandidateFillingsAsync("The old man <mask:4> the river.", new CandidateOptions { Count = 1, Beams = beams })).Single();
            best[index] = gap.Fillings[0].LogProbability;
        }

        Assert.IsLessThanOrEqualTo(best[1] + 1e-4, best[0]);
        Assert.IsLessThanOrEqualTo(best[2] + 1e-4, best[1]);
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
        await Assert.ThrowsExactlyAsync<ArgumentOutOfRangeException>(() => s_infiller.CandidateFillingsAsync("A <mask:2>.", new CandidateOptions { Count = 1025 }));
        await Assert.ThrowsExactlyAsync<ArgumentOutOfRangeException>(() => s_infiller.CandidateFillingsAsync("A <mask:2>.", new CandidateOptions { Beams = 0 }));
        await Assert.ThrowsExactlyAsync<ArgumentOutOfRangeException>(() => s_infiller.CandidateFillingsAsync("A <mask:2>.", new CandidateOptions { Beams = 1025 }));
        await Assert.ThrowsExactlyAsync<ArgumentOutOfRangeException>(
            () => s_infiller.CandidateFillingsAsync("A <mask:2>.", new CandidateOptions { BannedTokensAt = new Dictionary<int, TokenSet> { [0] = new([1]) } }));
    }
}
