using AsArm.Assd.Constraints;
using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Assd.Samplers;
using AsArm.Assd.Tests.Exactness;
using AsArm.Assd.Tests.Support;
using AsArm.Assd.Tests.Support.Models;

namespace AsArm.Assd.Tests.Constraints;

/// <summary>
/// One draw with step-wise masks, by enumeration of its random numbers: the probability of drawing x, times the weight of the draw, is p(x) for every x
/// that meets the constraint, and 0 for all others, with every exact sampler.
/// </summary>
[TestClass]
public sealed class WeightedDrawTests
{
    private const double Tolerance = 1e-6; // of float32 probabilities

    public static IEnumerable<(SamplerKind Kind, string Constraint)> Cases =>
        from kind in Enum.GetValues<SamplerKind>() from name in ConstraintCases.All.Keys select (kind, name);

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Weight_TimesProbabilityOfTheDraw_IsTheJoint(SamplerKind kind, string constraint)
    {
        var task = new Task(kind, constraint);
        Assert.IsLessThan(Tolerance, task.WorstDifference((draw, targets) => Math.Exp(draw.LogWeight) * task.AllowedMass(targets, 0)));
    }

    /// <summary>Control: masks without weights.</summary>
    [TestMethod]
    [DataRow(SamplerKind.Sequential)]
    [DataRow(SamplerKind.Fused)]
    public void Weight_LeftOut_IsCaught(SamplerKind kind)
    {
        var task = new Task(kind, "no 1 after 0");
        Assert.IsGreaterThan(0.01, task.WorstDifference((_, _) => 1));
    }

    /// <summary>Control: the weight of one step is left out.</summary>
    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    [DataRow(3)]
    public void Weight_WithoutThatOfOneStep_IsCaught(int step)
    {
        var task = new Task(SamplerKind.Sequential, "no 1 after 0");
        Assert.IsGreaterThan(0.01, task.WorstDifference((draw, targets) => Math.Exp(draw.LogWeight) * task.AllowedMass(targets, 0) / task.AllowedMass(targets, step)));
    }

    /// <summary>The log-probability of a sampler is that of the model, without the restriction.</summary>
    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void LogProbability_OfADraw_IsThatOfTheModel(SamplerKind kind, string constraint)
    {
        var task = new Task(kind, constraint);
        for (int seed = 0; seed < 20; seed++)
        {
            Sampler sampler = task.NewSampler(seed);
            Decoding.Run(sampler, task.Model, sampler.Constraint!.Random);
            if (!sampler.Constraint.HasFailed)
                Assert.AreEqual(Math.Log(task.Joint[Outcome.Index(sampler, ConstraintCases.Vocabulary)]), sampler.Statistics.LogProbability, 1e-5);
        }
    }

    private sealed class Task
    {
        private readonly SamplerKind _kind;
        private readonly TestConstraint _constraint;
        private readonly Order _order = Order.LeftToRight([true, false, false, true, false, false]);
        private readonly int[] _tokens = [1, 0, 0, 2, 0, 0];
        private readonly ReferenceConditionals _conditionals;

        public Task(SamplerKind kind, string constraint)
        {
            (_kind, _constraint) = (kind, ConstraintCases.All[constraint]);
            _conditionals = new ReferenceConditionals(Model, _order, _tokens, new());
            Joint = ExactDistribution.Joint(_conditionals);
        }

        public TableModel Model { get; } = TableModel.Random(ConstraintCases.Vocabulary, 6, sharpness: 1.5, seed: 4);

        public double[] Joint { get; }

        public Sampler NewSampler(int seed)
        {
            ConstrainedDraw draw = new ConditionalSampling(_constraint, new(), seed, maxTries: 0, particles: 1).BeginGeneration()[0];
            return Decoding.Create(_kind, _order, _tokens, new SamplingOptions { DraftLength = 3 }, ConstraintCases.Vocabulary, draw);
        }

        public double AllowedMass(int[] targets, int step)
        {
            double[] distribution = _conditionals.Distribution(step, step, targets);
            return _constraint.Allowed(targets[..step]).Sum(token => distribution[token]);
        }

        /// <summary>The largest difference of an outcome between the weighed draws and the joint distribution where the constraint is met.</summary>
        public double WorstDifference(Func<ConstrainedDraw, int[], double> weight)
        {
            var tree = new RandomTree(() => NewSampler(0), Model, weight: sampler => sampler.Constraint!.HasFailed
                ? 0 : weight(sampler.Constraint, _constraint.TargetsOf(Outcome.Index(sampler, ConstraintCases.Vocabulary), ConstraintCases.Targets)));
            (double[] conditional, double probability) = _constraint.Condition(Joint, ConstraintCases.Targets);
            return tree.WorstDifference([.. conditional.Select(one => one * probability)]);
        }
    }
}
