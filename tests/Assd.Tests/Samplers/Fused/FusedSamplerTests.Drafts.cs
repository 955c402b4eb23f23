using AsArm.Assd.Ordering;
using AsArm.Assd.Planning;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Assd.Samplers.Fused;
using AsArm.Assd.Tests.Support;
using AsArm.Assd.Tests.Support.Models;

namespace AsArm.Assd.Tests.Samplers.Fused;

/// <content>Which token a random number draws from a row of the network.</content>
public sealed partial class FusedSamplerTests
{
    /// <summary>
    /// Drafts from a row of the network invert its cumulative sum. 512 equal probabilities are exact, wherever blocks of summation without
    /// mass are.
    /// </summary>
    [TestMethod]
    [DataRow(512, 512)]
    [DataRow(0, 256)]
    [DataRow(256, 512)]
    [DataRow(512, 768)]
    [DataRow(100, 700)]
    public void Prepare_NetworkDraft_DrawsTheTokenOfTheRandomNumber(int zerosFrom, int zerosTo)
    {
        int[] positive = [.. Enumerable.Range(0, 512 + zerosTo - zerosFrom).Where(token => token < zerosFrom || token >= zerosTo)];
        foreach (int index in (int[])[0, 1, 99, 100, 255, 256, 257, 510, 511])
        {
            Assert.AreEqual(positive[index], NetworkDraft(positive[^1] + 90, positive.Contains, index / 512.0));
            Assert.AreEqual(positive[index], NetworkDraft(positive[^1] + 90, positive.Contains, Math.BitDecrement((index + 1) / 512.0)));
        }
    }

    /// <summary>Whatever rounds, the largest random number draws the last token of the row that has a probability.</summary>
    [TestMethod]
    public void Prepare_NetworkDraftForTheLargestRandomNumber_IsTheLastToken()
    {
        var random = new SplitMix64(4);
        for (int run = 0; run < 600; run++)
        {
            double[] row = [.. Enumerable.Range(0, 600).Select(token => token < 400 ? Math.Exp(8 * random.NextGaussian()) : 0)];
            row[399] = row.Sum() / 4;
            double total = row.Sum();
            Assert.AreEqual(399, NetworkDraft([.. row.Select(weight => weight / total)], Math.BitDecrement(1.0)));
        }
    }

    [TestMethod]
    public void Prepare_RowsOfTwoTargets_DraftsEachFromItsOwn()
    {
        var model = new ScriptedModel(VocabularySize, 5, conditional => conditional switch
        {
            (2, 1) => [1, 0, 0],
            (3, 1) => [0, 1, 0],
            _ => [0.25, 0.25, 0.5],
        });
        var policy = new ScriptedPolicy
        {
            MaxDraftQueries = 2,
            Queries = view => view.Committed == 1 ? [new(2, 1), new(3, 1)] : [],
            Source = view => view.Committed == 1 ? DraftSource.None : DraftSource.Network,
        };
        FusedSampler sampler = NewSampler("G....", policy);
        new SamplingLoop(model, [sampler], [new ScriptedRandom(0.9)]).Step(default);
        sampler.Prepare(new ScriptedRandom(0.5, 0.5));
        SpanAssert.AreEqual([0, 1], sampler.Tokens[2..4]);
    }

    private static int NetworkDraft(int vocabularySize, Predicate<int> isPositive, double uniform)
    {
        double[] row = [.. Enumerable.Range(0, vocabularySize).Select(token => isPositive(token) ? 1.0 : 0)];
        return NetworkDraft([.. row.Select(weight => weight / row.Sum())], uniform);
    }

    /// <summary>The draft token that a random number draws from a row of the network.</summary>
    private static int NetworkDraft(double[] row, double uniform)
    {
        var sampler = new FusedSampler(
            Order.LeftToRight(new bool[4]), new int[4], new(), row.Length, new FixedDraftPolicy(DraftSource.Network, 1, 1));
        var random = new ScriptedRandom(0.5, uniform);
        new SamplingLoop(new ScriptedModel(row.Length, 4, _ => row), [sampler], [random]).Step(default);
        sampler.Prepare(random);
        Assert.AreEqual(new(1, 0, 0), sampler.Counts(DraftSource.Network));
        return sampler.Tokens[1];
    }
}
