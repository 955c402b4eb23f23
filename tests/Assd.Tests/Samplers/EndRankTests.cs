using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Assd.Tests.Exactness;
using AsArm.Assd.Tests.Support;
using AsArm.Assd.Tests.Support.Models;

namespace AsArm.Assd.Tests.Samplers;

/// <summary>Samplers that end before the last target.</summary>
[TestClass]
public sealed class EndRankTests
{
    private const int V = 3;
    private const int Targets = 4;

    private static readonly Order s_order = Order.LeftToRight([true, false, false, true, false, false]);
    private static readonly int[] s_tokens = [1, 0, 0, 2, 0, 0];

    public static IEnumerable<(SamplerKind Kind, int Generated)> Cases =>
        from kind in Enum.GetValues<SamplerKind>() from generated in (int[])[0, 1, 2] select (kind, generated);

    /// <summary>Enumerated: the targets before the end have the distribution that they have without it.</summary>
    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Distribution_BeforeTheEnd_IsTheMarginalOfTheJoint(SamplerKind kind, int generated)
    {
        var model = new DyadicModel(V, 6, 5);
        var tree = new RandomTree(() => NewSampler(kind, 2 + generated), model);
        double[] expected = Marginal(model.Joint(s_order, s_tokens), generated);
        double[] actual = Marginal(tree.Distribution, generated);
        for (int outcome = 0; outcome < expected.Length; outcome++)
            Assert.AreEqual(expected[outcome], actual[outcome], 1e-12, $"Outcome {outcome}.");
    }

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Run_UntilTheEnd_CommitsTheTargetsBeforeIt(SamplerKind kind, int generated)
    {
        Sampler sampler = Decoding.Run(NewSampler(kind, 2 + generated), new DyadicModel(V, 6, 5), new SplitMix64(3));
        Assert.IsTrue(sampler.IsDone);
        Assert.AreEqual((2 + generated, generated, generated), (sampler.Committed, sampler.LogProbabilities.Length, sampler.Statistics.Generated));
        Assert.IsLessThanOrEqualTo(generated, sampler.Statistics.Nfe);
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(7)]
    public void EndRank_OutOfRange_Throws(int rank) => Assert.ThrowsExactly<ArgumentOutOfRangeException>(
        () => new SequentialSampler(s_order, s_tokens, new(), V) { EndRank = rank });

    /// <summary>[V^generated] the distribution of the first targets.</summary>
    private static double[] Marginal(double[] joint, int generated)
    {
        int others = (int)Math.Pow(V, Targets - generated);
        return [.. joint.Chunk(others).Select(outcomes => outcomes.Sum())];
    }

    private static Sampler NewSampler(SamplerKind kind, int endRank) =>
        Decoding.Create(kind, s_order, s_tokens, new() { DraftLength = 2 }, V, endRank: endRank);
}
