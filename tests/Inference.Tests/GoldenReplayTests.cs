using AsArm.Assd;

namespace AsArm.Inference.Tests;

/// <summary>The exported graphs give PyTorch's logits; for tiny those of the official code.</summary>
[TestClass]
public sealed class GoldenReplayTests
{
    private const float Tolerance = 1e-4f;

    public static IEnumerable<(string Folder, bool UseCache)> Graphs =>
        from folder in (string[])[Files.Tiny, Files.Micro, Files.Default]
        from useCache in (bool[])[false, true]
        select (folder, useCache);

    [TestMethod]
    [DynamicData(nameof(Graphs))]
    public void Run_OnExportedFolder_IsWithinTheTolerance(string path, bool useCache)
    {
        ModelFolder folder = ModelFolder.Open(path);
        using OnnxAnySubsetModel model = OnnxAnySubsetModel.Open(folder, useCache: useCache);
        IReadOnlyList<GoldenDifference> differences = GoldenReplay.Run(model, folder.GoldenPath!);
        Assert.IsGreaterThanOrEqualTo(10, differences.Count);
        foreach (GoldenDifference difference in differences)
            Assert.IsLessThanOrEqualTo(Tolerance, difference.MaximumDifference, difference.Case);
    }

    /// <summary>Goldens are of float32; how far a precision may be off is its own, and the divergence is beyond float32's.</summary>
    [TestMethod]
    [DataRow("float16", 1e-8, 1e-5)]
    [DataRow("int8", 1e-5, 2e-3)]
    [DataRow("int4", 2e-3, 0.1)]
    public void Run_OnOtherPrecisions_IsWithinTheirTolerance(string precision, double least, double most)
    {
        ModelFolder folder = ModelFolder.Open(Files.InPrecision(precision));
        Assert.AreEqual(precision, folder.Manifest.Precision);
        foreach (bool useCache in (bool[])[false, true])
        {
            using OnnxAnySubsetModel model = OnnxAnySubsetModel.Open(folder, useCache: useCache);
            IReadOnlyList<GoldenDifference> differences = GoldenReplay.Run(model, folder.GoldenPath!);
            double worst = differences.Max(difference => difference.MaximumDifference), divergence = differences.Average(difference => difference.Divergence);
            Assert.IsLessThanOrEqualTo(folder.Manifest.Tolerance, worst);
            Assert.IsLessThanOrEqualTo(folder.Manifest.RelativeTolerance, differences.Max(difference => difference.RelativeError));
            Assert.IsGreaterThan(1e-4, worst, "No precision was lost: another graph than it says.");
            Assert.IsTrue(divergence > least && divergence < most, $"{divergence}");
        }
    }

    [TestMethod]
    public void Run_OnFloat32_HasNoDivergence()
    {
        ModelFolder folder = ModelFolder.Open(Files.Tiny);
        using OnnxAnySubsetModel model = OnnxAnySubsetModel.Open(folder);
        Assert.IsTrue(GoldenReplay.Run(model, folder.GoldenPath!).All(difference => difference is { Divergence: >= 0 and < 1e-8, RelativeError: > 0 and < 1e-4, Rows: > 0 }));
        Assert.IsTrue(GoldenReplay.Run(new NotANumber(model), folder.GoldenPath!).All(difference => double.IsPositiveInfinity(difference.Divergence) && double.IsPositiveInfinity(difference.RelativeError)));
    }

    [TestMethod]
    public void Run_OnTiny_CoversEveryOfficialCaseWithAGivenToken()
    {
        ModelFolder folder = ModelFolder.Open(Files.Tiny);
        using OnnxAnySubsetModel model = OnnxAnySubsetModel.Open(folder);
        Assert.HasCount(2 * 13, GoldenReplay.Run(model, folder.GoldenPath!), "A draft and an oracle of each case.");
    }

    /// <summary>Control: a model that answers with the wrong horizon must be noticed.</summary>
    [TestMethod]
    public void Run_OnModelThatSeesOneRankLess_ExceedsTheTolerance()
    {
        ModelFolder folder = ModelFolder.Open(Files.Tiny);
        using OnnxAnySubsetModel model = OnnxAnySubsetModel.Open(folder);
        Assert.IsGreaterThan(0.1f, GoldenReplay.Run(new ShortSighted(model), folder.GoldenPath!).Max(difference => difference.MaximumDifference));
    }

    /// <summary>Control: in a precision whose tolerance of a logit is wide, the relative error must notice it.</summary>
    [TestMethod]
    [DataRow("float16")]
    [DataRow("int8")]
    [DataRow("int4")]
    public void Run_OnOtherPrecisionThatSeesOneRankLess_ExceedsTheRelativeTolerance(string precision)
    {
        ModelFolder folder = ModelFolder.Open(Files.InPrecision(precision));
        using OnnxAnySubsetModel model = OnnxAnySubsetModel.Open(folder);
        Assert.IsGreaterThan(folder.Manifest.RelativeTolerance, GoldenReplay.Run(new ShortSighted(model), folder.GoldenPath!).Max(difference => difference.RelativeError));
    }

    /// <summary>Of the distribution alone: what all logits of a row have in common changes nothing, half of them is half off, none wholly.</summary>
    [TestMethod]
    [DataRow(1f, 3f, 0)]
    [DataRow(0.5f, 0f, 0.5)]
    [DataRow(0f, 3f, 1)]
    public void Run_OnScaledAndMovedLogits_KnowsHowFarTheDistributionIs(float factor, float added, double expected)
    {
        ModelFolder folder = ModelFolder.Open(Files.Tiny);
        using OnnxAnySubsetModel model = OnnxAnySubsetModel.Open(folder);
        foreach (GoldenDifference difference in GoldenReplay.Run(new Changed(model, factor, added), folder.GoldenPath!))
            Assert.AreEqual(expected, difference.RelativeError, 1e-5);
    }

    [TestMethod]
    public void Run_OnNaN_IsInfinitelyOff()
    {
        ModelFolder folder = ModelFolder.Open(Files.Tiny);
        using OnnxAnySubsetModel model = OnnxAnySubsetModel.Open(folder);
        Assert.IsTrue(GoldenReplay.Run(new NotANumber(model), folder.GoldenPath!).All(difference => float.IsPositiveInfinity(difference.MaximumDifference)));
    }

    [TestMethod]
    public void Run_OnGoldensOfAnotherModel_Throws()
    {
        using OnnxAnySubsetModel model = OnnxAnySubsetModel.Open(ModelFolder.Open(Files.Micro));
        Assert.ThrowsExactly<ModelFolderException>(() => GoldenReplay.Run(model, ModelFolder.Open(Files.Tiny).GoldenPath!));
    }

    private sealed class ShortSighted(IAnySubsetModel model) : IAnySubsetModel
    {
        public int VocabularySize => model.VocabularySize;

        public int MaximumLength => model.MaximumLength;

        public void Evaluate(ReadOnlySpan<SequenceCall> calls, CancellationToken cancellation)
        {
            foreach (SequenceCall call in calls)
            {
                var shorter = new SequenceCall(call.Order, call.Tokens, VocabularySize, call.Conditionals.Length);
                for (int rank = call.Order.GivenCount; rank < call.KnownCount; rank++)
                    shorter.SetToken(rank, call.Tokens[call.Order.Positions[rank]]);
                shorter.Begin(call.KnownCount);
                foreach (Conditional asked in call.Conditionals)
                    shorter.Ask(asked with { Horizon = Math.Max(call.Order.GivenCount, asked.Horizon - 1) });
                model.Evaluate([shorter], cancellation);
                shorter.Logits.CopyTo(call.Logits);
            }
        }
    }

    private sealed class Changed(IAnySubsetModel model, float factor, float added) : IAnySubsetModel
    {
        public int VocabularySize => model.VocabularySize;

        public int MaximumLength => model.MaximumLength;

        public void Evaluate(ReadOnlySpan<SequenceCall> calls, CancellationToken cancellation)
        {
            model.Evaluate(calls, cancellation);
            foreach (SequenceCall call in calls)
            {
                foreach (ref float logit in call.Logits)
                    logit = factor * logit + added;
            }
        }
    }

    private sealed class NotANumber(IAnySubsetModel model) : IAnySubsetModel
    {
        public int VocabularySize => model.VocabularySize;

        public int MaximumLength => model.MaximumLength;

        public void Evaluate(ReadOnlySpan<SequenceCall> calls, CancellationToken cancellation)
        {
            model.Evaluate(calls, cancellation);
            foreach (SequenceCall call in calls)
                call.Logits[0] = float.NaN;
        }
    }
}
