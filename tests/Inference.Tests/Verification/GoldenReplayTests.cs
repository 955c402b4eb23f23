using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Tests.Support;
using AsArm.Inference.Verification;

namespace AsArm.Inference.Tests.Verification;

/// <summary>The exported graphs reproduce the logits of PyTorch; for tiny those of the official code.</summary>
[TestClass]
public sealed class GoldenReplayTests
{
    private const float Tolerance = 1e-4f;

    public static IEnumerable<(string Folder, bool UseCache)> Graphs =>
        from folder in (string[])[Files.Tiny, Files.Micro]
        from useCache in (bool[])[false, true]
        select (folder, useCache);

    [TestMethod]
    [DynamicData(nameof(Graphs))]
    public void Run_OnExportedFolder_IsWithinTheTolerance(string path, bool useCache)
    {
        ModelFolder folder = ModelFolder.Open(path);
        using OnnxAnySubsetModel model = OnnxModelLoader.Open(folder, useCache: useCache);
        IReadOnlyList<GoldenDifference> differences = GoldenReplay.Run(model, folder.GoldenPath!);
        Assert.IsGreaterThanOrEqualTo(10, differences.Count);
        foreach (GoldenDifference difference in differences)
            Assert.IsLessThanOrEqualTo(Tolerance, difference.MaxDifference, difference.Case);
    }

    /// <summary>Golden logits are float32. Other precisions stay within their own limits, and differ more than float32 would.</summary>
    [TestMethod]
    [DataRow("float16", 1e-8)]
    [DataRow("int8", 1e-5)]
    [DataRow("int4", 2e-3)]
    public void Run_OnOtherPrecisions_IsWithinTheirLimits(string precision, double minDivergence)
    {
        ModelFolder folder = ModelFolder.Open(Files.InPrecision(precision));
        Assert.AreEqual(precision, folder.Manifest.Precision);
        foreach (bool useCache in (bool[])[false, true])
        {
            using OnnxAnySubsetModel model = OnnxModelLoader.Open(folder, useCache: useCache);
            AssertWithinLimits(folder, Replay(folder, model), minDivergence);
        }
    }

    /// <summary>The committed model, which has trained weights, with the graphs for CPUs and for GPUs.</summary>
    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Run_OnTheDefaultModel_IsWithinTheLimitsOfItsPrecision(bool inFloat32)
    {
        ModelFolder folder = ModelFolder.Open(Files.Default);
        foreach (bool useCache in (bool[])[false, true])
        {
            using OnnxAnySubsetModel model = OnnxModelLoader.Open(folder, useCache: useCache, inFloat32: inFloat32);
            Assert.AreEqual(inFloat32, model.GraphPath.EndsWith("_float32.onnx", StringComparison.Ordinal));
            AssertWithinLimits(folder, Replay(folder, model), 1e-4);
        }
    }

    [TestMethod]
    public void Run_OnFloat32_HasNoDivergence()
    {
        ModelFolder folder = ModelFolder.Open(Files.Tiny);
        using OnnxAnySubsetModel model = OnnxModelLoader.Open(folder);
        DistributionDifference none = Replay(folder, model);
        Assert.IsTrue(none is { MeanDivergence: >= 0 and < 1e-8, WorstDivergence: < 1e-8, WorstVariation: > 0 and < 1e-4, RelativeDivergence: < 1e-7, Rows: > 20 }, $"{none}");
        DistributionDifference wrong = Replay(folder, new NaNModel(model));
        Assert.IsTrue(double.IsPositiveInfinity(wrong.MeanDivergence) && double.IsPositiveInfinity(wrong.WorstVariation) && double.IsPositiveInfinity(wrong.RelativeDivergence), $"{wrong}");
    }

    [TestMethod]
    public void Run_OnTiny_CoversEveryOfficialCaseWithAGivenToken()
    {
        ModelFolder folder = ModelFolder.Open(Files.Tiny);
        using OnnxAnySubsetModel model = OnnxModelLoader.Open(folder);
        Assert.HasCount(2 * 13, GoldenReplay.Run(model, folder.GoldenPath!), "A draft and an oracle for each case.");
    }

    /// <summary>Control: a model with wrong horizons is detected.</summary>
    [TestMethod]
    public void Run_OnReducedHorizon_ExceedsTheTolerance()
    {
        ModelFolder folder = ModelFolder.Open(Files.Tiny);
        using OnnxAnySubsetModel model = OnnxModelLoader.Open(folder);
        Assert.IsGreaterThan(0.1f, GoldenReplay.Run(new ReducedHorizonModel(model), folder.GoldenPath!).Max(difference => difference.MaxDifference));
    }

    /// <summary>Control: horizons that are off by one exceed the limits of every precision, with random and with trained weights.</summary>
    [TestMethod]
    [DataRow("float16")]
    [DataRow("int8")]
    [DataRow("int4")]
    [DataRow(null)]
    public void Run_OnReducedHorizonInOtherPrecisions_ExceedsTheLimits(string? precision)
    {
        ModelFolder folder = ModelFolder.Open(precision is null ? Files.Default : Files.InPrecision(precision));
        using OnnxAnySubsetModel model = OnnxModelLoader.Open(folder);
        DistributionDifference difference = Replay(folder, new ReducedHorizonModel(model));
        DivergenceLimits limits = folder.Manifest.DivergenceLimits!;
        Assert.IsGreaterThan(limits.RelativeDivergence, difference.RelativeDivergence);
        if (precision is null)
        {
            Assert.IsGreaterThan(limits.MeanDivergence, difference.MeanDivergence);
            Assert.IsGreaterThan(limits.WorstDivergence, difference.WorstDivergence);
            Assert.IsGreaterThan(limits.WorstVariation, difference.WorstVariation);
        }
    }

    /// <summary>Adding a constant to all logits of a row changes nothing; equal logits give a relative divergence of 1.</summary>
    [TestMethod]
    [DataRow(1f, 3f, 0)]
    [DataRow(0f, 3f, 1)]
    public void Run_OnScaledAndShiftedLogits_GivesTheRelativeDivergence(float factor, float shift, double expected)
    {
        ModelFolder folder = ModelFolder.Open(Files.Tiny);
        using OnnxAnySubsetModel model = OnnxModelLoader.Open(folder);
        foreach (GoldenDifference difference in GoldenReplay.Run(new ScaledModel(model, factor, shift), folder.GoldenPath!))
            Assert.AreEqual(expected, difference.Distributions.RelativeDivergence, 1e-5);
    }

    /// <summary>Two rows of two tokens, computed by hand: probabilities 3/4 and 1/4 against 1/2 each, and equal ones.</summary>
    [TestMethod]
    public void Of_KnownDistributions_GivesTheirDivergenceAndVariation()
    {
        float[] recorded = [MathF.Log(3), 0, 5, 5], model = [7, 7, -1, -1];
        DistributionDifference difference = DistributionDifference.Of(model, recorded, 2);
        double divergence = 0.75 * Math.Log(1.5) + 0.25 * Math.Log(0.5);
        Assert.AreEqual(2, difference.Rows);
        Assert.AreEqual(divergence / 2, difference.MeanDivergence, 1e-7);
        Assert.AreEqual(divergence, difference.WorstDivergence, 1e-7);
        Assert.AreEqual(0.125, difference.MeanVariation, 1e-7);
        Assert.AreEqual(0.25, difference.WorstVariation, 1e-7);
        Assert.AreEqual(divergence / 2, difference.Information, 1e-7);
        Assert.AreEqual(1, difference.RelativeDivergence, 1e-6);
        Assert.AreEqual(0, DistributionDifference.Of([4, 4], [1, 1], 2).RelativeDivergence);
        Assert.AreEqual(double.PositiveInfinity, DistributionDifference.Of([4, 0], [1, 1], 2).RelativeDivergence);
        DistributionDifference both = DistributionDifference.Over([difference, DistributionDifference.Of(recorded, recorded, 2)]);
        Assert.AreEqual(4, both.Rows);
        Assert.AreEqual(divergence / 4, both.MeanDivergence, 1e-7);
        Assert.AreEqual(0.25, both.WorstVariation, 1e-7);
    }

    [TestMethod]
    public void Run_OnNaN_GivesInfiniteDifferences()
    {
        ModelFolder folder = ModelFolder.Open(Files.Tiny);
        using OnnxAnySubsetModel model = OnnxModelLoader.Open(folder);
        Assert.IsTrue(GoldenReplay.Run(new NaNModel(model), folder.GoldenPath!).All(difference => float.IsPositiveInfinity(difference.MaxDifference)));
    }

    [TestMethod]
    public void Run_OnGoldensOfAnotherModel_Throws()
    {
        using OnnxAnySubsetModel model = OnnxModelLoader.Open(ModelFolder.Open(Files.Micro));
        Assert.ThrowsExactly<ModelFolderException>(() => GoldenReplay.Run(model, ModelFolder.Open(Files.Tiny).GoldenPath!));
    }

    private static DistributionDifference Replay(ModelFolder folder, IAnySubsetModel model) =>
        DistributionDifference.Over([.. GoldenReplay.Run(model, folder.GoldenPath!).Select(difference => difference.Distributions)]);

    private static void AssertWithinLimits(ModelFolder folder, DistributionDifference difference, double minDivergence)
    {
        DivergenceLimits limits = folder.Manifest.DivergenceLimits!;
        Assert.IsGreaterThan(minDivergence, difference.MeanDivergence, "The graph has a higher precision than its manifest says.");
        Assert.IsLessThanOrEqualTo(limits.MeanDivergence, difference.MeanDivergence);
        Assert.IsLessThanOrEqualTo(limits.WorstDivergence, difference.WorstDivergence);
        Assert.IsLessThanOrEqualTo(limits.WorstVariation, difference.WorstVariation);
        Assert.IsLessThanOrEqualTo(limits.RelativeDivergence, difference.RelativeDivergence);
    }

    private sealed class ReducedHorizonModel(IAnySubsetModel model) : IAnySubsetModel
    {
        public int VocabularySize => model.VocabularySize;

        public int MaxLength => model.MaxLength;

        public void Evaluate(ReadOnlySpan<SequenceState> states, CancellationToken cancellationToken)
        {
            foreach (SequenceState state in states)
            {
                var shorter = new SequenceState(state.Order, state.Tokens, VocabularySize, state.Conditionals.Length);
                for (int rank = state.Order.GivenCount; rank < state.KnownCount; rank++)
                    shorter.SetToken(rank, state.Tokens[state.Order.Positions[rank]]);
                shorter.BeginForwardPass(state.KnownCount);
                foreach (Conditional query in state.Conditionals)
                    shorter.AddQuery(query with { Horizon = Math.Max(state.Order.GivenCount, query.Horizon - 1) });
                model.Evaluate([shorter], cancellationToken);
                shorter.Logits.CopyTo(state.Logits);
            }
        }
    }

    private sealed class ScaledModel(IAnySubsetModel model, float factor, float shift) : IAnySubsetModel
    {
        public int VocabularySize => model.VocabularySize;

        public int MaxLength => model.MaxLength;

        public void Evaluate(ReadOnlySpan<SequenceState> states, CancellationToken cancellationToken)
        {
            model.Evaluate(states, cancellationToken);
            foreach (SequenceState state in states)
            {
                foreach (ref float logit in state.Logits)
                    logit = factor * logit + shift;
            }
        }
    }

    private sealed class NaNModel(IAnySubsetModel model) : IAnySubsetModel
    {
        public int VocabularySize => model.VocabularySize;

        public int MaxLength => model.MaxLength;

        public void Evaluate(ReadOnlySpan<SequenceState> states, CancellationToken cancellationToken)
        {
            model.Evaluate(states, cancellationToken);
            foreach (SequenceState state in states)
                state.Logits[0] = float.NaN;
        }
    }
}
