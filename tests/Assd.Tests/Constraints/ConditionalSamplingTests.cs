using AsArm.Assd.Constraints;
using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Assd.Samplers;
using AsArm.Assd.Tests.Exactness;
using AsArm.Assd.Tests.Support;
using AsArm.Assd.Tests.Support.Models;

namespace AsArm.Assd.Tests.Constraints;

/// <summary>Whole conditional sampling, tries that learn from each other included, against the enumerated conditional distribution.</summary>
[TestClass]
public sealed class ConditionalSamplingTests
{
    /// <summary>At a low temperature the allowed tokens have probabilities of exp(-200), which float32 does not have.</summary>
    [TestMethod]
    [DataRow(SamplerKind.Sequential, 3, 50.0)]
    [DataRow(SamplerKind.Fused, 3, 50.0)]
    [DataRow(SamplerKind.Sequential, 64, 50.0)] // the mask is a list
    [DataRow(SamplerKind.Sequential, 64, 400.0)] // nor has float64
    public void Draw_AllowedTokensHaveUnderflowed_AreWeighedByTheirLogits(SamplerKind kind, int vocabularySize, double nats)
    {
        const double Temperature = 0.25;
        const int Samples = 4_000;
        var model = new ScriptedModel(vocabularySize, 2, _ => [1, Math.Exp(-nats), Math.Exp(-nats - 0.5), .. new double[vocabularySize - 3]]);
        var constraint = new TestConstraint(vocabularySize, _ => [1, 2]);
        double other = Math.Exp(-0.5 / Temperature);
        var counts = new int[2];
        for (int seed = 0; seed < Samples; seed++)
        {
            var sampling = new ConditionalSampling(constraint, new(), seed);
            ConstrainedDraw draw = sampling.BeginGeneration()[0];
            Sampler sampler = Decoding.Run(Decoding.Create(kind, Order.LeftToRight([true, false]), [0, 0], new() { Temperature = Temperature }, vocabularySize, draw), model, draw.Random);
            sampling.EndGeneration();
            Assert.AreEqual(ConditionalMethod.Exact, sampling.Statistics!.Method);
            counts[sampler.Tokens[1] - 1]++;
            Assert.AreEqual(-(sampler.Tokens[1] == 1 ? nats : nats + 0.5) / Temperature, sampler.Statistics.LogProbability, 1e-3);
        }

        GoodnessOfFitResult fit = GoodnessOfFit.Compare(counts, [1 / (1 + other), other / (1 + other)]);
        Assert.IsGreaterThan(1e-4, fit.PValue, fit.ToString());
    }

    private const int Samples = 20_000;
    private const int Vocabulary = ConstraintCases.Vocabulary;
    private const int Targets = ConstraintCases.Targets;

    private static readonly Order s_order = Order.LeftToRight([true, false, false, true, false, false]);
    private static readonly int[] s_tokens = [1, 0, 0, 2, 0, 0];
    private static readonly TableModel s_model = TableModel.Random(Vocabulary, 6, sharpness: 1.5, seed: 4);
    private static readonly double[] s_joint = ExactDistribution.Joint(new ReferenceConditionals(s_model, s_order, s_tokens, new()));

    public static IEnumerable<(string Constraint, SamplerKind Kind)> Cases =>
        from name in ConstraintCases.All.Keys from kind in (SamplerKind[])[SamplerKind.Sequential, SamplerKind.Fused] select (name, kind);

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Draw_ByRejection_HasTheConditionalDistribution(string name, SamplerKind kind)
    {
        (GoodnessOfFitResult result, List<ConditionalStatistics> statistics) = Draw(name, kind, maxTries: 10_000, particles: 1);
        Assert.IsTrue(result.Passes, result.ToString());
        Assert.IsTrue(statistics.TrueForAll(one => one is { Method: ConditionalMethod.Exact, Particles: 0, EffectiveSampleSize: 0 }));
        Console.WriteLine($"{name}: probability {ConstraintCases.All[name].Condition(s_joint, Targets).Probability:F4}, mean acceptance {statistics.Average(one => one.AcceptanceRate):F3}, tries {statistics.Average(one => one.Tries):F2}");
    }

    /// <summary>Resampling comes near to it with many particles.</summary>
    [TestMethod]
    [DataRow("no 1 after 0")]
    [DataRow("last two the same as the first two")]
    public void Draw_ByResampling_ApproachesTheConditionalDistribution(string name)
    {
        (GoodnessOfFitResult few, _) = Draw(name, SamplerKind.Sequential, maxTries: 0, particles: 4, Samples / 2);
        (GoodnessOfFitResult many, List<ConditionalStatistics> statistics) = Draw(name, SamplerKind.Sequential, maxTries: 0, particles: 64, Samples / 2);
        Assert.IsLessThan(0.03, many.TotalVariation);
        Assert.IsGreaterThan(many.TotalVariation, few.TotalVariation);
        Assert.IsTrue(statistics.TrueForAll(one => one is { Method: ConditionalMethod.Estimate, Tries: 0, Particles: 64, EffectiveSampleSize: > 1 and <= 64, AcceptanceRate: 0 }));
    }

    /// <summary>Control: one particle is masking without weights.</summary>
    [TestMethod]
    [DataRow("no 1 after 0")]
    [DataRow("last two the same as the first two")]
    [DataRow("sum is 3")]
    public void Draw_MaskedOnly_HasAnotherDistribution(string name) =>
        Assert.IsFalse(Draw(name, SamplerKind.Sequential, maxTries: 0, particles: 1).Result.Passes);

    /// <summary>Control: the weight of one step is left out, by a constraint that allows all there and is not met by what comes out.</summary>
    [TestMethod]
    public void Draw_WithoutTheWeightOfOneStep_HasAnotherDistribution()
    {
        TestConstraint constraint = ConstraintCases.All["no 1 after 0"];
        double[] conditional = constraint.Condition(s_joint, Targets).Distribution;
        var reference = new ReferenceConditionals(s_model, s_order, s_tokens, new());
        double[] flawed = [.. conditional.Select((probability, index) => probability / Mass(constraint.TargetsOf(index, Targets)))];
        double sum = flawed.Sum();
        double variation = flawed.Zip(conditional, (one, other) => Math.Abs((one / sum) - other)).Sum() / 2;
        Assert.IsGreaterThan(0.02, variation, "The tolerance of the tests would not notice it.");

        double Mass(int[] targets) => constraint.Allowed(targets[..2]).Sum(token => reference.Distribution(2, 2, targets)[token]);
    }

    /// <summary>What tries teach makes later ones succeed more often than the constraint is probable.</summary>
    [TestMethod]
    public void Draw_Rare_NeedsFewerTriesThanItsProbability()
    {
        const string Name = "last two the same as the first two";
        double probability = ConstraintCases.All[Name].Condition(s_joint, Targets).Probability;
        (_, List<ConditionalStatistics> statistics) = Draw(Name, SamplerKind.Sequential, maxTries: 10_000, particles: 1);
        Assert.IsLessThan(0.75 / probability, statistics.Average(one => one.Tries));
    }

    /// <summary>Two sequences of different lengths, with probabilities of their own: together they have the conditional distribution.</summary>
    [TestMethod]
    public void Draw_OfAlternatives_HasTheirJointConditionalDistribution()
    {
        Order shorter = Order.LeftToRight([true, false, true, false]);
        int[] tokens = [1, 0, 2, 0];
        TableModel model = TableModel.Random(Vocabulary, 4, 1.5, 8);
        double[] joint = ExactDistribution.Joint(new ReferenceConditionals(model, shorter, tokens, new()));
        var ofShorter = new TestConstraint(Vocabulary, targets => targets.Length == 1 ? [(targets[0] + 1) % Vocabulary] : null);
        TestConstraint ofLonger = ConstraintCases.All["sum is 3"];
        (double[] shortOnes, double shortMass) = ofShorter.Condition(joint, 2);
        (double[] longOnes, double longMass) = ofLonger.Condition(s_joint, Targets);
        double[] expected = [.. shortOnes.Select(one => one * 0.3 * shortMass), .. longOnes.Select(one => one * 0.7 * longMass)];
        var counts = new int[expected.Length];
        for (int seed = 0; seed < Samples; seed++)
        {
            var sampling = new ConditionalSampling([(ofShorter, 3), (ofLonger, 7)], new(), seed, 10_000);
            Sampler chosen = Run(sampling, draw => draw.Alternative == 0
                ? (model, Decoding.Create(SamplerKind.Sequential, shorter, tokens, new(), Vocabulary, draw))
                : (s_model, Decoding.Create(SamplerKind.Sequential, s_order, s_tokens, new(), Vocabulary, draw)))!;
            counts[Outcome.Index(chosen, Vocabulary) + (sampling.Chosen!.Alternative == 0 ? 0 : shortOnes.Length)]++;
        }

        double sum = expected.Sum();
        GoodnessOfFitResult result = GoodnessOfFit.Compare(counts, [.. expected.Select(one => one / sum)]);
        Assert.IsTrue(result.Passes, result.ToString());
    }

    [TestMethod]
    public void Draw_Impossible_ChoosesNone()
    {
        var nothing = new TestConstraint(Vocabulary, targets => targets.Length == 3 ? [] : null);
        foreach (int maxTries in (int[])[0, 10_000])
        {
            var sampling = new ConditionalSampling(nothing, new(), 1, maxTries, particles: 8);
            Assert.IsNull(Run(sampling, draw => (s_model, Decoding.Create(SamplerKind.Fused, s_order, s_tokens, new(), Vocabulary, draw))));
            Assert.IsTrue(sampling.IsDone);
        }
    }

    /// <summary>Once all fillings were tried and failed, the bound is 0 but for rounding, and it gives up being exact, though many tries are left.</summary>
    [TestMethod]
    public void Draw_Impossible_EndsWhenAllIsKnown()
    {
        var nothing = new TestConstraint(Vocabulary, targets => targets.Length == 1 ? [] : null);
        var sampling = new ConditionalSampling(nothing, new(), 1, 1_000_000);
        Assert.IsNull(Run(sampling, draw => (s_model, Decoding.Create(SamplerKind.Sequential, s_order, s_tokens, new(), Vocabulary, draw))));
        Assert.AreEqual(ConditionalMethod.Estimate, sampling.Statistics!.Method);
        Assert.IsLessThan(200, sampling.Statistics.Tries);
    }

    [TestMethod]
    public void Draw_Greedy_TakesTheMostProbableAllowedToken()
    {
        var options = new SamplingOptions { Temperature = 0 };
        TestConstraint constraint = ConstraintCases.All["sum is 3"];
        var reference = new ReferenceConditionals(s_model, s_order, s_tokens, new());
        var expected = new int[Targets];
        for (int i = 0; i < Targets; i++)
            expected[i] = constraint.Allowed(expected[..i]).MaxBy(token => reference.Distribution(i, i, expected)[token]);
        foreach (SamplerKind kind in Enum.GetValues<SamplerKind>())
        {
            var sampling = new ConditionalSampling(constraint, options, 1);
            Sampler chosen = Run(sampling, draw => (s_model, Decoding.Create(kind, s_order, s_tokens, options, Vocabulary, draw)))!;
            Assert.AreEqual(Outcome.Index(expected, Vocabulary), Outcome.Index(chosen, Vocabulary));
            Assert.AreEqual(new ConditionalStatistics(ConditionalMethod.Greedy, 1, 0, 0), sampling.Statistics);
            Assert.AreEqual(Math.Log(s_joint[Outcome.Index(expected, Vocabulary)]), chosen.Statistics.LogProbability, 1e-5);
        }
    }

    [TestMethod]
    public void Draw_GreedyWithoutAnAllowedToken_ChoosesNone()
    {
        var options = new SamplingOptions { Temperature = 0 };
        var nothing = new TestConstraint(Vocabulary, targets => targets.Length == 2 ? [] : null);
        foreach (SamplerKind kind in Enum.GetValues<SamplerKind>())
            Assert.IsNull(Run(new(nothing, options, 1), draw => (s_model, Decoding.Create(kind, s_order, s_tokens, options, Vocabulary, draw))));
    }

    [TestMethod]
    public void Draw_SameSeed_IsTheSame()
    {
        for (int seed = 0; seed < 20; seed++)
            Assert.AreEqual(DrawOne(seed, batched: true), DrawOne(seed, batched: false));

        static int DrawOne(int seed, bool batched)
        {
            var sampling = new ConditionalSampling(ConstraintCases.All["sum is 3"], new(), seed, 10_000);
            return Outcome.Index(Run(sampling, draw => (s_model, Decoding.Create(SamplerKind.Fused, s_order, s_tokens, new(), Vocabulary, draw)), batched)!, Vocabulary);
        }
    }

    private static (GoodnessOfFitResult Result, List<ConditionalStatistics> Statistics) Draw(
        string name, SamplerKind kind, int maxTries, int particles, int samples = Samples)
    {
        var counts = new int[s_joint.Length];
        var statistics = new List<ConditionalStatistics>();
        for (int seed = 0; seed < samples; seed++)
        {
            var sampling = new ConditionalSampling(ConstraintCases.All[name], new(), seed, maxTries, particles);
            if (Run(sampling, draw => (s_model, Decoding.Create(kind, s_order, s_tokens, new(), Vocabulary, draw))) is Sampler chosen)
                counts[Outcome.Index(chosen, Vocabulary)]++;
            statistics.Add(sampling.Statistics!);
        }

        return (GoodnessOfFit.Compare(counts, ConstraintCases.All[name].Condition(s_joint, Targets).Distribution), statistics);
    }

    /// <summary>Runs it, and returns the sampler of the chosen draw.</summary>
    private static Sampler? Run(ConditionalSampling sampling, Func<ConstrainedDraw, (TableModel Model, Sampler Sampler)> create, bool batched = false)
    {
        var samplers = new Dictionary<ConstrainedDraw, Sampler>();
        while (!sampling.IsDone)
        {
            samplers.Clear();
            using var loop = new SamplingLoop(s_model);
            foreach (ConstrainedDraw draw in sampling.BeginGeneration().Reverse())
            {
                (TableModel model, Sampler sampler) = create(draw);
                samplers.Add(draw, sampler);
                if (batched)
                    loop.Add(sampler, draw.Random);
                else
                    Decoding.Run(sampler, model, draw.Random);
            }

            loop.Run(CancellationToken.None);
            sampling.EndGeneration();
        }

        return sampling.Chosen is ConstrainedDraw chosen ? samplers[chosen] : null;
    }
}
