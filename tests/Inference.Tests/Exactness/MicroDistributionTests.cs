using AsArm.Assd.Distributions;
using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Assd.Tests.Exactness;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Tests.Support;

namespace AsArm.Inference.Tests.Exactness;

/// <summary>Theorem 2 through ONNX Runtime: 20,000 samples of the micro network against its enumerated joint distribution.</summary>
[TestClass]
public sealed class MicroDistributionTests
{
    private const int Samples = 20_000;
    private const int Batch = 500;

    [TestMethod]
    [DataRow("A", true)]
    [DataRow("B", true)]
    [DataRow("C", true)]
    [DataRow("A", false)]
    [DataRow("B", false)]
    [DataRow("C", false)]
    public void Sequential_OnMicro_HasTheExactDistribution(string name, bool useCache)
    {
        MicroTask task = MicroTask.Load(name);
        (GoodnessOfFitResult result, double nfe) = Draw(task, draftLength: null, useCache);
        Assert.IsTrue(result.Passes, result.ToString());
        Assert.AreEqual(task.Order.TargetCount, nfe);
    }

    [TestMethod]
    [DataRow("A", 3, true)]
    [DataRow("B", 3, true)]
    [DataRow("C", 3, true)]
    [DataRow("C", 4, true)]
    [DataRow("A", 3, false)]
    [DataRow("B", 3, false)]
    [DataRow("C", 3, false)]
    [DataRow("C", 4, false)]
    public void Assd_OnMicro_HasTheExactDistributionAndNfe(string name, int draftLength, bool useCache)
    {
        MicroTask task = MicroTask.Load(name);
        (GoodnessOfFitResult result, double nfe) = Draw(task, draftLength, useCache);
        Assert.IsTrue(result.Passes, result.ToString());
        double expected = task.ExpectedNfe[draftLength];
        Assert.AreEqual(expected, nfe, 0.01 * expected);
    }

    /// <summary>Control: the test detects the distribution of unverified drafts.</summary>
    [TestMethod]
    [DataRow("A")]
    [DataRow("B")]
    [DataRow("C")]
    public void Compare_UnverifiedDrafts_Fails(string name)
    {
        MicroTask task = MicroTask.Load(name);
        using OnnxAnySubsetModel model = OnnxModelLoader.Open(ModelFolder.Open(Files.Micro));
        var processor = new LogitsProcessor(new SamplingOptions { BannedTokens = [MicroTask.MaskId] }, MicroTask.Vocabulary);
        var state = new SequenceState(task.Order, task.Tokens, MicroTask.Vocabulary, task.Order.TargetCount);
        state.BeginForwardPass(task.Order.GivenCount);
        for (int rank = task.Order.GivenCount; rank < task.Order.Length; rank++)
            state.AddQuery(new Conditional(rank, task.Order.GivenCount));
        model.Evaluate([state], CancellationToken.None);
        for (int row = 0; row < state.Conditionals.Length; row++)
            processor.ToProbabilities(state.Row(row));

        var counts = new int[task.Joint.Length];
        var random = new SplitMix64(5);
        int[] tokens = [.. task.Tokens];
        for (int i = 0; i < Samples; i++)
        {
            for (int row = 0; row < state.Conditionals.Length; row++)
                tokens[task.Order.Positions[state.Conditionals[row].Rank]] = Probabilities.Sample(state.Row(row), random.NextDouble());
            counts[task.CellOf(tokens)]++;
        }

        Assert.IsTrue(GoodnessOfFit.Compare(counts, task.Independent).TotalVariation < 0.03, "The control does not sample from the independent drafts.");
        Assert.IsFalse(GoodnessOfFit.Compare(counts, task.Joint).Passes, "Unverified drafts were not distinguished from the joint.");
    }

    private static (GoodnessOfFitResult Result, double MeanNfe) Draw(MicroTask task, int? draftLength, bool useCache)
    {
        using OnnxAnySubsetModel model = OnnxModelLoader.Open(ModelFolder.Open(Files.Micro), useCache: useCache);
        var options = new SamplingOptions { BannedTokens = [MicroTask.MaskId], DraftLength = draftLength ?? 1 };
        var counts = new int[task.Joint.Length];
        long nfe = 0;
        for (int start = 0; start < Samples; start += Batch)
        {
            Sampler[] samplers = [.. Enumerable.Range(0, Batch).Select(_ => Create(task, options, draftLength is null))];
            IRandomSource[] random = [.. Enumerable.Range(start, Batch).Select(seed => new SplitMix64(seed))];
            new SamplingLoop(model, samplers, random).Run(CancellationToken.None);
            foreach (Sampler sampler in samplers)
            {
                counts[task.CellOf(sampler.Tokens)]++;
                nfe += sampler.Statistics.Nfe;
            }
        }

        return (GoodnessOfFit.Compare(counts, task.Joint), (double)nfe / Samples);
    }

    private static Sampler Create(MicroTask task, SamplingOptions options, bool sequential) => sequential
        ? new SequentialSampler(task.Order, task.Tokens, options, MicroTask.Vocabulary)
        : new AssdSampler(task.Order, task.Tokens, options, MicroTask.Vocabulary);
}
