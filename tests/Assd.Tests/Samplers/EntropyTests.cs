using AsArm.Assd.Distributions;
using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Assd.Tests.Exactness;
using AsArm.Assd.Tests.Support;
using AsArm.Assd.Tests.Support.Models;

namespace AsArm.Assd.Tests.Samplers;

/// <summary>The recorded entropies are those of the conditionals that the tokens have in the joint distribution.</summary>
[TestClass]
public sealed class EntropyTests
{
    private const int Vocabulary = 5;

    public static IEnumerable<object[]> Cases => Enum.GetValues<SamplerKind>().SelectMany(kind => new[] { 0.7, 0 }.Select(temperature => new object[] { kind, temperature }));

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Entropies_OfASampler_AreThoseOfTheConditionals(SamplerKind kind, double temperature)
    {
        var random = new SplitMix64(5);
        for (int run = 0; run < 30; run++)
        {
            var model = new RandomModel(Vocabulary, 12, 2, run);
            bool[] given = [true, .. random.NextGiven(11, 0.3)];
            Order order = run % 2 == 0 ? Order.LeftToRight(given) : Order.Random(given, random);
            var options = new SamplingOptions { Temperature = temperature, TopK = 4, BannedTokens = [1], BannedTokensAt = new Dictionary<int, TokenSet> { [order.Positions[^1]] = new TokenSet([0]) } };
            Sampler sampler = Decoding.Run(Decoding.Create(kind, order, new int[12], options, Vocabulary, recordsEntropies: true), model, new SplitMix64(run));
            double[] expected = Expected(model, order, sampler.Tokens, options);
            Assert.IsLessThan(1e-5, Difference(expected, sampler.Entropies), $"Run {run}.");
            var forced = new TeacherForcedSampler(order, sampler.Tokens, options, Vocabulary) { RecordsEntropies = true };
            Assert.IsLessThan(1e-5, Difference(expected, Decoding.Run(forced, model, new SplitMix64(0)).Entropies), $"Run {run}, teacher-forced.");
        }
    }

    /// <summary>Control: where several tokens are committed independently, the distributions are others.</summary>
    [TestMethod]
    public void Entropies_OfTheParallelSampler_AreNoticed()
    {
        var order = Order.LeftToRight([true, .. new bool[11]]);
        var model = new RandomModel(Vocabulary, 12, 2, 1);
        var sampler = Decoding.Run(new ParallelSampler(order, new int[12], new(), Vocabulary) { RecordsEntropies = true }, model, new SplitMix64(1));
        double[] expected = Expected(model, order, sampler.Tokens, new());
        Assert.IsGreaterThan(0.1, Difference(expected, sampler.Entropies));
    }

    /// <summary>What is sampled does not depend on whether entropies are recorded; without them there are none.</summary>
    [TestMethod]
    public void RecordsEntropies_ChangesNoToken()
    {
        var order = Order.LeftToRight([true, .. new bool[11]]);
        var model = new RandomModel(Vocabulary, 12, 2, 1);
        Sampler[] samplers = [.. new[] { true, false }.Select(
            records => Decoding.Run(Decoding.Create(SamplerKind.Fused, order, new int[12], new(), Vocabulary, recordsEntropies: records), model, new SplitMix64(1)))];
        SpanAssert.AreEqual<int>(samplers[0].Tokens.ToArray(), samplers[1].Tokens.ToArray(), "Tokens.");
        Assert.AreEqual(11, samplers[0].Entropies.Length);
        Assert.AreEqual(0, samplers[1].Entropies.Length);
    }

    private static double Difference(double[] expected, ReadOnlySpan<double> actual)
    {
        Assert.AreEqual(expected.Length, actual.Length);
        return expected.Zip(actual.ToArray(), (one, other) => Math.Abs(one - other)).Max();
    }

    private static double[] Expected(RandomModel model, Order order, ReadOnlySpan<int> tokens, SamplingOptions options)
    {
        SamplingOptions recorded = options.Temperature == 0 ? options with { Temperature = 1, TopK = null } : options;
        var state = new SequenceState(order, tokens, Vocabulary, 1);
        var entropies = new double[order.TargetCount];
        for (int rank = order.GivenCount; rank < order.Length; rank++)
        {
            if (rank > order.GivenCount)
                state.SetToken(rank - 1, tokens[order.Positions[rank - 1]]);
            state.BeginForwardPass(rank);
            state.AddQuery(new Conditional(rank, rank));
            model.Evaluate([state], default);
            double[] distribution = ReferenceMath.Distribution(state.Row(0), recorded, order.Positions[rank]);
            entropies[rank - order.GivenCount] = -distribution.Where(probability => probability > 0).Sum(probability => probability * Math.Log(probability));
        }

        return entropies;
    }
}
