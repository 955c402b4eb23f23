using AsArm.Assd.Distributions;
using AsArm.Inference.Infilling;
using AsArm.Inference.Tests.Support;
using AsArm.Inference.Text;

namespace AsArm.Inference.Tests.Infilling;

/// <summary>The most probable tokens of gaps of one token.</summary>
[TestClass]
public sealed class CandidatesTests
{
    private static readonly TextInfiller s_infiller = TextInfiller.Open(Files.Default, new() { UseFloat32 = true });

    [ClassCleanup]
    public static void CloseModel() => s_infiller.Dispose();

    [TestMethod]
    public async Task CandidatesAsync_OneGap_HasTheProbabilitiesOfScores()
    {
        IReadOnlyList<TokenCandidate> candidates = (await s_infiller.CandidatesAsync("The <mask> sat on the mat.", new CandidateOptions { Count = 20 })).Single();
        Assert.HasCount(20, candidates);
        CollectionAssert.AreEqual(candidates.OrderByDescending(one => one.Probability).ToArray(), candidates.ToArray());
        foreach (TokenCandidate one in candidates)
            Assert.AreEqual(one.Probability, Math.Exp(s_infiller.Score($"The [[{one.Text}]] sat on the mat.").LogProbability), 1e-4, one.Text);
    }

    /// <summary>All tokens together have probability 1, and the text before the gap decides about its space.</summary>
    [TestMethod]
    public async Task CandidatesAsync_AllTokens_AddUpToOne()
    {
        foreach (string text in (string[])["The <mask> sat.", "The ca<mask> sat.", "<mask> sat."])
        {
            IReadOnlyList<TokenCandidate> all = (await s_infiller.CandidatesAsync(text, new CandidateOptions { Count = int.MaxValue })).Single();
            Assert.AreEqual(1, all.Sum(one => one.Probability), 1e-4);
            Assert.IsFalse(all.Any(one => one.Text.StartsWith(' ')), "The space is given, or there is none.");
        }
    }

    /// <summary>Each gap is independent of the others, which are unknown to it, so their order does not matter.</summary>
    [TestMethod]
    public async Task CandidatesAsync_SeveralGaps_AreMarginals()
    {
        IReadOnlyList<IReadOnlyList<TokenCandidate>> both = await s_infiller.CandidatesAsync("The <mask> drank the <mask>.");
        Assert.HasCount(2, both);
        InfillOptions marginal = new() { Sampler = SamplerKind.Parallel, Temperature = 0 };
        InfillResult modes = s_infiller.Infill("The <mask> drank the <mask>.", marginal);
        CollectionAssert.AreEqual(modes.Gaps.Select(gap => gap.Text).ToArray(), both.Select(one => one[0].Text).ToArray());
        Assert.IsTrue(both.All(one => one.Count == CandidateOptions.DefaultCount));
    }

    [TestMethod]
    public async Task CandidatesAsync_Options_ShapeTheDistribution()
    {
        TokenCandidate usual = (await s_infiller.CandidatesAsync("The <mask> sat."))[0][0];
        TokenCandidate sharp = (await s_infiller.CandidatesAsync("The <mask> sat.", new CandidateOptions { Temperature = 0.5 }))[0][0];
        Assert.AreEqual(usual.Id, sharp.Id);
        Assert.IsGreaterThan(usual.Probability, sharp.Probability);
        IReadOnlyList<TokenCandidate> without = (await s_infiller.CandidatesAsync("The <mask> sat.", new CandidateOptions { BannedTokens = [usual.Id] }))[0];
        Assert.IsFalse(without.Any(one => one.Id == usual.Id));
    }

    [TestMethod]
    public async Task CandidatesAsync_BadInput_Throws()
    {
        await Assert.ThrowsExactlyAsync<InfillTextException>(() => s_infiller.CandidatesAsync("No gap."));
        await Assert.ThrowsExactlyAsync<InfillTextException>(() => s_infiller.CandidatesAsync("A <mask> and <mask:2>."));
        await Assert.ThrowsExactlyAsync<ArgumentOutOfRangeException>(() => s_infiller.CandidatesAsync("A <mask>.", new CandidateOptions { Count = 0 }));
        await Assert.ThrowsExactlyAsync<ArgumentOutOfRangeException>(() => s_infiller.CandidatesAsync("A <mask>.", new CandidateOptions { TopP = 2 }));
        await Assert.ThrowsExactlyAsync<ArgumentOutOfRangeException>(
            () => s_infiller.CandidatesAsync("A <mask>.", new CandidateOptions { BannedTokensAt = new Dictionary<int, TokenSet> { [0] = new([1]) } }));
    }
}
