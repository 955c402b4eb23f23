using AsArm.Assd.Ordering;
using AsArm.Assd.Planning;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Assd.Samplers.Fused;
using AsArm.Assd.Tests.Exactness;
using AsArm.Assd.Tests.Support;
using AsArm.Assd.Tests.Support.Models;

namespace AsArm.Assd.Tests.Samplers;

/// <summary>Sequences that end with a token: what is before and at the end has the distribution of the model, whatever was drafted behind it.</summary>
[TestClass]
public sealed class EndTokenTests
{
    private const int VocabularySize = 3, Targets = 4, End = 2, Samples = 20_000;

    private static readonly TableModel s_model = TableModel.Random(VocabularySize, Targets + 1, sharpness: 1.5, seed: 5);
    private static readonly Order s_order = Order.LeftToRight([true, .. new bool[Targets]]);

    [TestMethod]
    [DataRow(SamplerKind.Sequential)]
    [DataRow(SamplerKind.Assd)]
    [DataRow(SamplerKind.Ngram)]
    [DataRow(SamplerKind.Fused)]
    [DataRow(SamplerKind.FusedTokenWise)]
    public void Run_UntilTheEnd_HasTheDistributionOfTheModel(SamplerKind kind)
    {
        GoodnessOfFitResult fit = Compare(() => Decoding.Create(kind, s_order, Given(), new(), VocabularySize, endToken: End));
        Assert.IsTrue(fit.Passes, fit.ToString());
    }

    /// <summary>Control: tokens that are independent of each other.</summary>
    [TestMethod]
    public void Run_WithoutVerification_IsCaught() =>
        Assert.IsFalse(Compare(() => new ParallelSampler(s_order, Given(), new(), VocabularySize) { EndToken = End }).Passes);

    [TestMethod]
    [DataRow(SamplerKind.Sequential)]
    [DataRow(SamplerKind.Assd)]
    [DataRow(SamplerKind.Ngram)]
    [DataRow(SamplerKind.Fused)]
    public void Run_EndIsCommitted_NothingBehindIt(SamplerKind kind)
    {
        int early = 0;
        for (int seed = 0; seed < 100; seed++)
        {
            Sampler sampler = Decoding.Run(Decoding.Create(kind, s_order, Given(), new(), VocabularySize, endToken: End), s_model, new SplitMix64(seed));
            int[] targets = sampler.Tokens[1..sampler.Committed].ToArray();
            Assert.IsTrue(sampler.IsDone);
            Assert.IsTrue(targets.Length == Targets || targets[^1] == End);
            Assert.AreEqual(-1, targets.AsSpan(0, targets.Length - 1).IndexOf(End));
            Assert.HasCount(targets.Length, sampler.LogProbabilities.ToArray());
            Assert.AreEqual(targets.Length, sampler.Statistics.Generated);
            Assert.AreEqual(Probability(targets), Math.Exp(sampler.Statistics.LogProbability), 1e-6);
            Assert.IsLessThanOrEqualTo(sampler.Statistics.Generated, sampler.Statistics.Accepted);
            if (sampler is FusedSampler fused)
                Assert.AreEqual(sampler.Statistics.Accepted, Enum.GetValues<DraftSource>().Sum(source => fused.Counts(source).Accepted));
            early += targets.Length < Targets ? 1 : 0;
        }

        Assert.IsGreaterThan(20, early);
    }

    private static int[] Given() => [1, .. new int[Targets]];

    private static GoodnessOfFitResult Compare(Func<Sampler> create)
    {
        int[][] all = [.. Sequences([])];
        string[] keys = [.. all.Select(KeyOf)];
        var counts = new int[all.Length];
        for (int seed = 0; seed < Samples; seed++)
        {
            Sampler sampler = Decoding.Run(create(), s_model, new SplitMix64(seed));
            counts[Array.IndexOf(keys, KeyOf(sampler.Tokens[1..sampler.Committed].ToArray()))]++;
        }

        return GoodnessOfFit.Compare(counts, [.. all.Select(Probability)]);
    }

    /// <summary>All sequences that end with the token for it, or have all targets.</summary>
    private static IEnumerable<int[]> Sequences(int[] before) => before.Length == Targets || before is [.., End] ? [before]
        : Enumerable.Range(0, VocabularySize).SelectMany(token => Sequences([.. before, token]));

    /// <summary>Of the targets and those before them, from the joint density of the first ranks.</summary>
    private static double Probability(int[] targets)
    {
        int[] tokens = [1, .. targets, .. new int[Targets - targets.Length]];
        return Math.Exp(JointDensity.LogProbabilities(s_model, s_order, tokens, new()).Take(targets.Length).Sum());
    }

    private static string KeyOf(int[] targets) => string.Join(',', targets);
}
