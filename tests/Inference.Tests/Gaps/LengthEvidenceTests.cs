using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Assd.Tests.Support.Models;
using AsArm.Inference.Gaps;
using AsArm.Inference.Text;

namespace AsArm.Inference.Tests.Gaps;

/// <summary>The evidence of lengths against brute force: for each length a joint table over all sequences of that length, which is consistent.</summary>
[TestClass]
public sealed class LengthEvidenceTests
{
    private const int Vocabulary = 4;
    private static readonly int[] s_lengths = [1, 2, 3];
    private static readonly int[] s_before = [2, 0], s_after = [3, 1];

    private static TableModel ModelOf(int length) => TableModel.Random(Vocabulary, s_before.Length + length + s_after.Length, sharpness: 1, seed: length);

    /// <summary>log p(S | P, N) without a filling: S is evaluated first, the gap stays unknown.</summary>
    private static double[] BruteForce() => [.. s_lengths.Select(length =>
    {
        int[] positions =
        [
            .. Enumerable.Range(0, s_before.Length),
            .. Enumerable.Range(s_before.Length + length, s_after.Length),
            .. Enumerable.Range(s_before.Length, length),
        ];
        int[] tokens = [.. s_before, .. Enumerable.Repeat(0, length), .. s_after];
        var sampler = new TeacherForcedSampler(Order.FromPositions(positions, s_before.Length), tokens, new(), Vocabulary) { EndRank = s_before.Length + s_after.Length };
        using var loop = new SamplingLoop(ModelOf(length), [sampler], [new SplitMix64(0)]);
        loop.Run(CancellationToken.None);
        return sampler.Statistics.LogProbability;
    })];

    private static LengthEvidence Found(int fillings)
    {
        var evidence = new LengthEvidence(new GapSurroundings(s_before, s_after, [], null, 0, Vocabulary), s_lengths, fillings);
        foreach (IReadOnlyList<SequenceTask> step in evidence.Steps())
        {
            foreach (SequenceTask task in step)
            {
                (Sampler sampler, AsArm.Assd.Randomness.IRandomSource random) = task.Start();
                IAnySubsetModel model = ModelOf(sampler.State.Order.Length - s_before.Length - s_after.Length);
                using var loop = new SamplingLoop(model, [sampler], [random]);
                loop.Run(CancellationToken.None);
                task.End(sampler);
            }
        }

        return evidence;
    }

    private static double Difference(double[] one, double[] other) => one.Zip(other, (a, b) => Math.Abs(a - b)).Max();

    private static double[] Posterior(double[] evidence, LengthPrior prior) =>
        LogWeights.Normalise([.. evidence.Zip(prior.LogProbabilities(s_lengths), (log, other) => log + other)]);

    /// <summary>Chib's identity holds for every filling of a consistent model, so that all fillings agree.</summary>
    [TestMethod]
    public void LogEvidence_OfConsistentModels_IsExactForEveryFilling()
    {
        double[] exact = BruteForce();
        LengthEvidence found = Found(fillings: 3);
        Assert.AreEqual(0, Difference(exact, found.LogEvidence()), 1e-5);
        for (int i = 0; i < found.Fillings.Count; i++)
            Assert.AreEqual(exact[i / 3], found.LogJoints[i] - found.LogConditionals[i], 1e-5);
        Assert.IsGreaterThan(1, found.Fillings.Select(tokens => string.Join(',', tokens)).Distinct().Count() / s_lengths.Length, "The fillings differ.");
    }

    /// <summary>Control: without the term of the gap itself, or without the prior, the posterior is another.</summary>
    [TestMethod]
    public void LogEvidence_WithoutATerm_IsNoticed()
    {
        LengthEvidence found = Found(fillings: 1);
        double[] exact = Posterior(BruteForce(), LengthPrior.Learnt);
        Assert.AreEqual(0, Difference(exact, Posterior(found.LogEvidence(), LengthPrior.Learnt)), 1e-5);
        Assert.IsGreaterThan(0.02, Difference(exact, Posterior(found.LogJoints, LengthPrior.Learnt)), "evidence without the gap's own term");
        Assert.IsGreaterThan(0.02, Difference(exact, Posterior(found.LogEvidence(), LengthPrior.Flat)), "a prior ignored");
    }

    [TestMethod]
    public void Prior_LogProbabilities_AreRenormalised()
    {
        foreach (LengthPrior prior in (LengthPrior[])[LengthPrior.Learnt, LengthPrior.Flat, LengthPrior.Poisson(3), LengthPrior.Given([0, 1, 2, 5, 1])])
            Assert.AreEqual(1, prior.LogProbabilities([2, 3, 4]).Sum(Math.Exp), 1e-12, prior.ToString());
        Assert.AreEqual(0.625, Math.Exp(LengthPrior.Given([0, 1, 2, 5]).LogProbabilities([2, 3, 4])[2]), 1e-12);
        Assert.AreEqual(3.0 / 2, Math.Exp(LengthPrior.Poisson(3).LogProbabilities([1, 2])[1] - LengthPrior.Poisson(3).LogProbabilities([1, 2])[0]), 1e-12);
        Assert.ThrowsExactly<InfillTextException>(() => LengthPrior.Given([1]).LogProbabilities([2, 3]));
        Assert.ThrowsExactly<ArgumentException>(() => LengthPrior.Given([1, -1]));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => LengthPrior.Poisson(0));
    }

    [TestMethod]
    [DataRow("learnt")]
    [DataRow("flat")]
    [DataRow("poisson:2.5")]
    [DataRow("given:0,1,2.5")]
    public void Prior_TryParse_ReadsWhatIsWritten(string text)
    {
        Assert.IsTrue(LengthPrior.TryParse(text, out LengthPrior? prior));
        Assert.AreEqual(text, prior.ToString());
        LengthPrior expected = text[0] switch { 'l' => LengthPrior.Learnt, 'f' => LengthPrior.Flat, 'p' => LengthPrior.Poisson(2.5), _ => LengthPrior.Given([0, 1, 2.5]) };
        CollectionAssert.AreEqual(expected.LogProbabilities([2, 3]), prior.LogProbabilities([2, 3]));
    }

    [TestMethod]
    [DataRow(null)]
    [DataRow("")]
    [DataRow("Flat")]
    [DataRow("poisson:1,2")]
    [DataRow("poisson:NaN")]
    [DataRow("given:1,x")]
    [DataRow("given:1,1e999")]
    public void Prior_TryParse_RefusesOthers(string? text) => Assert.IsFalse(LengthPrior.TryParse(text, out _));
}
