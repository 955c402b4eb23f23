using AsArm.Assd.Distributions;
using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Assd.Tests.Exactness;
using AsArm.Assd.Tests.Support;
using AsArm.Assd.Tests.Support.Models;

namespace AsArm.Assd.Tests.Samplers;

/// <summary>
/// Greedy decoding: every exact sampler takes the most probable token at each rank, whatever its random numbers and drafts.
/// </summary>
[TestClass]
public sealed class GreedyTests
{
    private const int Vocabulary = 5;

    public static IEnumerable<SamplerKind> Samplers => Enum.GetValues<SamplerKind>();

    [TestMethod]
    [DynamicData(nameof(Samplers))]
    public void Run_AtTemperatureZero_TakesTheMostProbableTokens(SamplerKind kind)
    {
        var random = new SplitMix64(21);
        for (int run = 0; run < 100; run++)
        {
            var model = new RandomModel(Vocabulary, 12, 2, run);
            bool[] given = [true, .. random.NextGiven(11, 0.3)];
            Order order = run % 2 == 0 ? Order.LeftToRight(given) : Order.Random(given, random);
            var options = new SamplingOptions
            {
                Temperature = 0,
                TopP = 0.5,
                TopK = 3,
                DraftLength = 4,
                BannedTokens = [1],
                BannedTokensAt = new Dictionary<int, TokenSet> { [order.Positions[^1]] = new TokenSet([0, 2]) },
            };
            int[] tokens = new int[12];
            Sampler sampler = Decoding.Run(Decoding.Create(kind, order, tokens, options, Vocabulary), model, new SplitMix64(run));
            (int[] expected, double logProbability) = Greedy(model, order, options);
            SpanAssert.AreEqual<int>(expected, sampler.Tokens.ToArray(), $"Run {run}.");
            Assert.AreEqual(logProbability, sampler.Statistics.LogProbability, 1e-4);
            Assert.AreEqual(logProbability, JointDensity.LogProbabilities(model, order, sampler.Tokens, options).Sum(), 1e-4);
        }
    }

    /// <summary>Temperature -0.0 drafts as 0.0 does.</summary>
    [TestMethod]
    public void Run_AtTemperatureMinusZero_DraftsAsAtZero()
    {
        var order = Order.LeftToRight([true, .. new bool[11]]);
        SamplingStatistics[] runs = [.. new[] { 0.0, -0.0 }.Select(temperature => Decoding.Run(
            Decoding.Create(SamplerKind.Fused, order, new int[12], new() { Temperature = temperature }, Vocabulary), new RandomModel(Vocabulary, 12, 2, 1), new SplitMix64(1)).Statistics)];
        Assert.AreEqual(runs[0], runs[1]);
        Assert.IsGreaterThan(0, runs[0].Drafted);
    }

    /// <summary>Control: at temperature 1 the random numbers matter.</summary>
    [TestMethod]
    [DynamicData(nameof(Samplers))]
    public void Run_AtTemperatureOne_TakesOtherTokens(SamplerKind kind)
    {
        var order = Order.LeftToRight([true, .. new bool[11]]);
        var model = new RandomModel(Vocabulary, 12, 2, 1);
        int[] expected = Greedy(model, order, new()).Tokens;
        Sampler sampler = Decoding.Run(Decoding.Create(kind, order, new int[12], new(), Vocabulary), model, new SplitMix64(1));
        CollectionAssert.AreNotEqual(expected, sampler.Tokens.ToArray());
    }

    [TestMethod]
    public void ToProbabilities_AtTemperatureZero_GivesTiesToTheLowestToken()
    {
        float[] row = [1, -0f, 5, 5, 5];
        new LogitsProcessor(new() { Temperature = 0, BannedTokens = [2] }, 5).ToProbabilities(row);
        CollectionAssert.AreEqual(new float[] { 0, 0, 0, 1, 0 }, row);
        row = [-0f, 0f];
        new LogitsProcessor(new() { Temperature = -0.0 }, 2).ToProbabilities(row);
        CollectionAssert.AreEqual(new float[] { 1, 0 }, row);
    }

    [TestMethod]
    public void LogProbability_AtTemperatureZero_IsThatOfTemperatureOneWithTheBans()
    {
        var greedy = new LogitsProcessor(new() { Temperature = 0, TopK = 1, BannedTokens = [0] }, 3);
        Assert.AreEqual(Math.Log(Math.E / (1 + Math.E)), greedy.LogProbability([9, 2, 1], 1), 1e-6);
        Assert.AreEqual(Math.Log(1 / (1 + Math.E)), greedy.LogProbability([9, 2, 1], 2), 1e-6);
    }

    private static (int[] Tokens, double LogProbability) Greedy(IAnySubsetModel model, Order order, SamplingOptions options)
    {
        int[] tokens = new int[order.Length];
        double sum = 0;
        for (int rank = order.GivenCount; rank < order.Length; rank++)
        {
            var state = new SequenceState(order, tokens, Vocabulary, 1);
            for (int known = order.GivenCount; known < rank; known++)
                state.SetToken(known, tokens[order.Positions[known]]);
            state.BeginForwardPass(rank);
            state.AddQuery(new Conditional(rank, rank));
            model.Evaluate([state], default);
            double[] distribution = ReferenceMath.Distribution(state.Row(0), options with { Temperature = 1, TopK = null, TopP = null }, order.Positions[rank]);
            tokens[order.Positions[rank]] = Array.IndexOf(distribution, distribution.Max());
            sum += Math.Log(distribution.Max());
        }

        return (tokens, sum);
    }
}
