using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;
using AsArm.Inference.Devices;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Onnx.Stateless;
using AsArm.Inference.Tests.Support;

namespace AsArm.Inference.Tests.Onnx;

[TestClass]
public sealed class OnnxAnySubsetModelTests
{
    private static OnnxAnySubsetModel Open(bool useCache) => OnnxModelLoader.Open(ModelFolder.Open(Files.Tiny), useCache: useCache);

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Evaluate_BatchOfDifferentLengths_GivesEachAsAlone(bool useCache)
    {
        using OnnxAnySubsetModel model = Open(useCache);
        SequenceState[] batch = [.. Enumerable.Range(0, 6).Select(i => CreateState(model, length: 3 + 7 * i, queries: 1 + i % 3, seed: i))];
        model.Evaluate(batch, CancellationToken.None);
        float[][] together = [.. batch.Select(state => state.Logits.ToArray())];
        for (int i = 0; i < batch.Length; i++)
        {
            model.Evaluate([batch[i]], CancellationToken.None);
            for (int j = 0; j < together[i].Length; j++)
                Assert.AreEqual(batch[i].Logits[j], together[i][j], 1e-5f, $"Sequence {i}, logit {j}.");
        }
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Evaluate_SameInputsAgain_GivesTheSameBits(bool useCache)
    {
        using OnnxAnySubsetModel model = Open(useCache);
        SequenceState state = CreateState(model, 20, 4, 1);
        model.Evaluate([state], CancellationToken.None);
        float[] first = state.Logits.ToArray();
        for (int length = 2; length < 64; length++) // other shapes in between, more than TensorsByShape stores
            model.Evaluate([CreateState(model, length, 1 + length % 2, length)], CancellationToken.None);
        model.Release(state); // cached and new keys are summed separately, which may change the last bit
        model.Evaluate([state], CancellationToken.None);
        CollectionAssert.AreEqual(first, state.Logits.ToArray());
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Evaluate_TokensPastTheHorizon_DoNotMatter(bool useCache)
    {
        using OnnxAnySubsetModel model = Open(useCache);
        Order order = Order.LeftToRight([true, false, true, false, false]);
        var first = new SequenceState(order, [1, 2, 3, 4, 5], model.VocabularySize, 1);
        var second = new SequenceState(order, [1, 20, 3, 40, 50], model.VocabularySize, 1);
        foreach (SequenceState state in new[] { first, second })
        {
            state.BeginForwardPass(2);
            state.AddQuery(new Conditional(3, 2));
            model.Evaluate([state], CancellationToken.None);
        }

        CollectionAssert.AreEqual(first.Logits.ToArray(), second.Logits.ToArray());
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Evaluate_OtherHorizon_ChangesTheLogits(bool useCache)
    {
        using OnnxAnySubsetModel model = Open(useCache);
        Order order = Order.LeftToRight([true, false, true, false, false]);
        var state = new SequenceState(order, [1, 2, 3, 4, 5], model.VocabularySize, 2);
        state.SetToken(2, 9);
        state.BeginForwardPass(3);
        state.AddQuery(new Conditional(3, 2));
        state.AddQuery(new Conditional(3, 3));
        model.Evaluate([state], CancellationToken.None);
        CollectionAssert.AreNotEqual(state.Row(0).ToArray(), state.Row(1).ToArray());
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Evaluate_InvalidSequence_Throws(bool useCache)
    {
        using OnnxAnySubsetModel model = Open(useCache);
        SequenceState tooLong = CreateState(model, 65, 1, 1);
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => model.Evaluate([tooLong], CancellationToken.None)).Message, "64");
        var nothingGiven = new SequenceState(Order.LeftToRight([false, false]), [0, 0], model.VocabularySize, 1);
        nothingGiven.AddQuery(new Conditional(0, 0));
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => model.Evaluate([nothingGiven], CancellationToken.None)).Message, "separator");
        var ofAnotherVocabulary = new SequenceState(Order.LeftToRight([true, false]), [0, 0], model.VocabularySize - 1, 1);
        ofAnotherVocabulary.AddQuery(new Conditional(1, 1));
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => model.Evaluate([ofAnotherVocabulary], CancellationToken.None)).Message, "over 63 tokens");
        var withoutQueries = new SequenceState(Order.LeftToRight([true, false]), [0, 0], model.VocabularySize, 1);
        Assert.ThrowsExactly<ArgumentException>(() => model.Evaluate([withoutQueries], CancellationToken.None));
        Assert.ThrowsExactly<ArgumentException>(() => model.Evaluate([], CancellationToken.None));
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Evaluate_Cancelled_ThrowsAndCanBeRepeated(bool useCache)
    {
        using OnnxAnySubsetModel model = Open(useCache);
        SequenceState state = CreateState(model, 30, 3, 1);
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.ThrowsExactly<OperationCanceledException>(() => model.Evaluate([state], cancelled.Token));
        model.Evaluate([state], CancellationToken.None);
        Assert.IsTrue(state.Logits.ToArray().All(float.IsFinite));
    }

    /// <summary>Cancellation during a run stops it, and the next run is not affected.</summary>
    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Evaluate_CancelledDuringTheRun_ThrowsAndLeavesTheModelUsable(bool useCache)
    {
        using OnnxAnySubsetModel model = OnnxModelLoader.Open(ModelFolder.Open(Files.Default), useCache: useCache);
        SequenceState state = CreateState(model, 120, 20, 1);
        SequenceState[] large = [.. Enumerable.Range(0, 64).Select(seed => CreateState(model, 128, 20, seed))];
        model.Evaluate([state], CancellationToken.None);
        float[] expected = state.Logits.ToArray();
        bool stopped = false;
        for (int attempt = 0; attempt < 50 && !stopped; attempt++)
        {
            // Cancelled a little later in each attempt, so that on any machine one attempt cancels during the run.
            using var cancellationToken = new CancellationTokenSource();
            using var started = new ManualResetEventSlim();
            Task cancelling = Task.Run(() =>
            {
                started.Wait();
                Thread.Sleep(10 + 5 * attempt);
                cancellationToken.Cancel();
            });
            try
            {
                started.Set();
                model.Evaluate(large, cancellationToken.Token);
            }
            catch (OperationCanceledException)
            {
                stopped = true;
            }

            cancelling.Wait();
            model.Release(state);
            model.Evaluate([state], CancellationToken.None);
            CollectionAssert.AreEqual(expected, state.Logits.ToArray());
        }

        Assert.IsTrue(stopped, "No run was cancelled.");
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Evaluate_AfterDispose_Throws(bool useCache)
    {
        OnnxAnySubsetModel model = Open(useCache);
        SequenceState state = CreateState(model, 5, 1, 1);
        model.Dispose();
        model.Dispose();
        Assert.ThrowsExactly<ObjectDisposedException>(() => model.Evaluate([state], CancellationToken.None));
    }

    /// <summary>Capacity is counted in elements: growing for many queries and for many sequences does not multiply.</summary>
    [TestMethod]
    public void CanFit_AfterGrowth_CountsElements()
    {
        StatelessBuffers buffers = new StatelessBuffers(new StatelessShape(1, 100, 100), 8).WithCapacityFor(new StatelessShape(16, 20, 5));
        Assert.HasCount(320, buffers.InputIds);
        Assert.HasCount(100 * 8, buffers.Logits);
        Assert.IsTrue(buffers.CanFit(new StatelessShape(10, 32, 10)));
        Assert.IsFalse(buffers.CanFit(new StatelessShape(16, 20, 7)));
    }

    [TestMethod]
    public void Open_UnavailableDevice_ListsTheAvailableOnes()
    {
        foreach (Device device in new[] { Device.Cuda, Device.TensorRT })
        {
            string message = Assert.ThrowsExactly<DeviceNotAvailableException>(
                () => OnnxModelLoader.Open(ModelFolder.Open(Files.Tiny), device)).Message;
            StringAssert.Contains(message, "Available: cpu");
            StringAssert.Contains(message, "AsArmGpu");
        }
    }

    /// <summary>ONNX Runtime has integer arithmetic for CPUs only. This is reported first, even on a machine without a GPU.</summary>
    [TestMethod]
    [DataRow("int8")]
    [DataRow("int4")]
    public void Open_IntegersWithoutFloat32GraphsOnAGpu_IsRefused(string precision)
    {
        foreach (Device device in new[] { Device.Cuda, Device.TensorRT })
        {
            string message = Assert.ThrowsExactly<DeviceNotAvailableException>(
                () => OnnxModelLoader.Open(ModelFolder.Open(Files.InPrecision(precision)), device)).Message;
            StringAssert.Contains(message, $"precision {precision}");
            StringAssert.Contains(message, "--precision fp16");
        }
    }

    private static SequenceState CreateState(IAnySubsetModel model, int length, int queries, int seed)
    {
        var random = new SplitMix64(seed);
        int[] tokens = [.. Enumerable.Range(0, length).Select(_ => (int)(random.NextDouble() * model.VocabularySize))];
        bool[] given = [.. Enumerable.Range(0, length).Select(i => i == 0 || (i < length - queries && random.NextDouble() < 0.5))];
        Order order = Order.Random(given, random);
        var state = new SequenceState(order, tokens, model.VocabularySize, queries);
        int known = order.GivenCount;
        state.BeginForwardPass(known);
        for (int i = 0; i < Math.Min(queries, order.TargetCount); i++)
            state.AddQuery(new Conditional(known + i, known));
        return state;
    }
}
