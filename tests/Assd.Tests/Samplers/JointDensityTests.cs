using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Assd.Tests.Exactness;
using AsArm.Assd.Tests.Support;
using AsArm.Assd.Tests.Support.Models;

namespace AsArm.Assd.Tests.Samplers;

[TestClass]
public sealed class JointDensityTests
{
    private static readonly SamplingOptions _options = new();

    [TestMethod]
    [DynamicData(nameof(DistributionCases.Names), typeof(DistributionCases))]
    public void LogProbabilities_EveryOutcome_SumToTheExactJoint(string name)
    {
        DistributionCase task = DistributionCases.Get(name);
        for (int outcome = 0; outcome < task.Joint.Length; outcome++)
        {
            int[] tokens = Fill(task, outcome);
            double log = JointDensity.LogProbabilities(task.Model, task.Order, tokens, task.Options).Sum();
            Assert.AreEqual(Math.Log(task.Joint[outcome]), log, 1e-5, $"Outcome {outcome}.");
        }
    }

    [TestMethod]
    public void LogProbabilities_ConsistentModel_AreTheSameForEveryOrder()
    {
        var model = TableModel.Random(3, 5, 2, 1);
        bool[] given = [false, true, false, false, false];
        int[] tokens = [2, 0, 1, 1, 0];
        double expected = JointDensity.LogProbabilities(model, Order.LeftToRight(given), tokens, _options).Sum();
        Assert.AreEqual(expected, JointDensity.LogProbabilities(model, Order.RightToLeft(given), tokens, _options).Sum(), 1e-5);
        for (int seed = 0; seed < 20; seed++)
        {
            var order = Order.Random(given, new SplitMix64(seed));
            Assert.AreEqual(expected, JointDensity.LogProbabilities(model, order, tokens, _options).Sum(), 1e-5);
        }
    }

    [TestMethod]
    public void LogProbabilities_ManyTargets_QueriesEachAtItsOwnRankInOneForwardPass()
    {
        var model = new ScriptedModel(2, 4, conditional => conditional.Rank == 2 ? [0.25, 0.75] : [0.5, 0.5]);
        double[] logs = JointDensity.LogProbabilities(model, Order.LeftToRight([false, true, false, false]), [0, 1, 1, 0], _options);
        Assert.AreEqual(1, model.ForwardPassCount);
        SpanAssert.AreEqual([new(1, 1), new(2, 2), new(3, 3)], [.. model.Queries]);
        Assert.AreEqual(Math.Log(0.5), logs[0], 1e-6);
        Assert.AreEqual(Math.Log(0.75), logs[1], 1e-6);
        Assert.AreEqual(Math.Log(0.5), logs[2], 1e-6);
    }

    [TestMethod]
    public void LogProbabilities_NoTarget_IsEmptyWithoutAForwardPass()
    {
        var model = TableModel.Random(2, 2, 1, 1);
        Assert.IsEmpty(JointDensity.LogProbabilities(model, Order.LeftToRight([true, true]), [0, 1], _options));
        Assert.AreEqual(0, model.ForwardPassCount);
    }

    [TestMethod]
    public void LogProbabilities_BannedToken_IsMinusInfinity()
    {
        var model = TableModel.Random(3, 2, 1, 1);
        SamplingOptions options = new() { BannedTokens = [1] };
        double[] logs = JointDensity.LogProbabilities(model, Order.LeftToRight(new bool[2]), [1, 0], options);
        Assert.AreEqual(double.NegativeInfinity, logs[0]);
        Assert.IsTrue(double.IsFinite(logs[1]));
    }

    [TestMethod]
    public void LogProbabilities_BadInput_Throws()
    {
        var model = TableModel.Random(2, 3, 1, 1);
        var order = Order.LeftToRight(new bool[3]);
        var tooLong = Order.LeftToRight(new bool[4]);
        Assert.ThrowsExactly<ArgumentException>(() => JointDensity.LogProbabilities(model, tooLong, [0, 0, 0, 0], _options));
        Assert.ThrowsExactly<ArgumentException>(() => JointDensity.LogProbabilities(model, order, [0, 0], _options));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => JointDensity.LogProbabilities(model, order, [0, 0, 2], _options));
    }

    /// <summary>A model with a cache keeps nothing for a sequence that was scored, or whose forward pass failed.</summary>
    [TestMethod]
    public void LogProbabilities_AfterTheForwardPass_ReleasesTheSequence()
    {
        var order = Order.LeftToRight(new bool[2]);
        var model = new ReleasingModel(TableModel.Random(2, 2, 1, 1));
        JointDensity.LogProbabilities(model, order, [0, 1], _options);
        Assert.AreEqual((1, 0), (model.Batches.Count, model.Alive.Count));
        using var cancellation = new CancellationTokenSource();
        model.OnEvaluate = cancellation.Cancel;
        Assert.ThrowsExactly<OperationCanceledException>(
            () => JointDensity.LogProbabilities(model, order, [0, 1], _options, cancellation.Token));
        Assert.AreEqual((2, 0), (model.Batches.Count, model.Alive.Count));
    }

    [TestMethod]
    public void LogProbabilities_Cancelled_Throws()
    {
        var model = TableModel.Random(2, 2, 1, 1);
        var order = Order.LeftToRight(new bool[2]);
        Assert.ThrowsExactly<OperationCanceledException>(
            () => JointDensity.LogProbabilities(model, order, [0, 0], _options, new CancellationToken(canceled: true)));
    }

    private static int[] Fill(DistributionCase task, int outcome)
    {
        int[] tokens = [.. task.Tokens];
        for (int rank = task.Order.Length - 1; rank >= task.Order.GivenCount; rank--)
        {
            tokens[task.Order.Positions[rank]] = outcome % task.Model.VocabularySize;
            outcome /= task.Model.VocabularySize;
        }

        return tokens;
    }
}
