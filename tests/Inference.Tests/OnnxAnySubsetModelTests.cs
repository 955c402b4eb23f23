using AsArm.Assd;

namespace AsArm.Inference.Tests;

[TestClass]
public sealed class OnnxAnySubsetModelTests
{
    private static OnnxAnySubsetModel Open(bool useCache) => OnnxAnySubsetModel.Open(ModelFolder.Open(Files.Tiny), useCache: useCache);

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Evaluate_BatchOfDifferentLengths_AnswersEachAsAlone(bool useCache)
    {
        using OnnxAnySubsetModel model = Open(useCache);
        SequenceCall[] batch = [.. Enumerable.Range(0, 6).Select(i => CreateCall(model, length: 3 + 7 * i, questions: 1 + i % 3, seed: i))];
        model.Evaluate(batch, CancellationToken.None);
        float[][] together = [.. batch.Select(call => call.Logits.ToArray())];
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
    public void Evaluate_SameCallAgain_GivesTheSameBits(bool useCache)
    {
        using OnnxAnySubsetModel model = Open(useCache);
        SequenceCall call = CreateCall(model, 20, 4, 1);
        model.Evaluate([call], CancellationToken.None);
        float[] first = call.Logits.ToArray();
        for (int length = 2; length < 64; length++) // other shapes in between, more than are kept bound
            model.Evaluate([CreateCall(model, length, 1 + length % 2, length)], CancellationToken.None);
        model.Release(call); // what is read from a cache is summed apart from what is new, which may move the last bit
        model.Evaluate([call], CancellationToken.None);
        CollectionAssert.AreEqual(first, call.Logits.ToArray());
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Evaluate_HiddenTokens_AreNotSeen(bool useCache)
    {
        using OnnxAnySubsetModel model = Open(useCache);
        Order order = Order.LeftToRight([true, false, true, false, false]);
        var first = new SequenceCall(order, [1, 2, 3, 4, 5], model.VocabularySize, 1);
        var second = new SequenceCall(order, [1, 20, 3, 40, 50], model.VocabularySize, 1);
        foreach (SequenceCall call in new[] { first, second })
        {
            call.Begin(2);
            call.Ask(new Conditional(3, 2));
            model.Evaluate([call], CancellationToken.None);
        }

        CollectionAssert.AreEqual(first.Logits.ToArray(), second.Logits.ToArray());
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Evaluate_OtherTokensOrHorizon_ChangesTheAnswer(bool useCache)
    {
        using OnnxAnySubsetModel model = Open(useCache);
        Order order = Order.LeftToRight([true, false, true, false, false]);
        var call = new SequenceCall(order, [1, 2, 3, 4, 5], model.VocabularySize, 2);
        call.SetToken(2, 9);
        call.Begin(3);
        call.Ask(new Conditional(3, 2));
        call.Ask(new Conditional(3, 3));
        model.Evaluate([call], CancellationToken.None);
        CollectionAssert.AreNotEqual(call.Row(0).ToArray(), call.Row(1).ToArray());
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Evaluate_WhatTheNetworkCannotTake_Throws(bool useCache)
    {
        using OnnxAnySubsetModel model = Open(useCache);
        SequenceCall tooLong = CreateCall(model, 65, 1, 1);
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => model.Evaluate([tooLong], CancellationToken.None)).Message, "64");
        var nothingGiven = new SequenceCall(Order.LeftToRight([false, false]), [0, 0], model.VocabularySize, 1);
        nothingGiven.Ask(new Conditional(0, 0));
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => model.Evaluate([nothingGiven], CancellationToken.None)).Message, "separator");
        var ofAnother = new SequenceCall(Order.LeftToRight([true, false]), [0, 0], model.VocabularySize - 1, 1);
        ofAnother.Ask(new Conditional(1, 1));
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => model.Evaluate([ofAnother], CancellationToken.None)).Message, "over 63 tokens");
        var asksNothing = new SequenceCall(Order.LeftToRight([true, false]), [0, 0], model.VocabularySize, 1);
        Assert.ThrowsExactly<ArgumentException>(() => model.Evaluate([asksNothing], CancellationToken.None));
        Assert.ThrowsExactly<ArgumentException>(() => model.Evaluate([], CancellationToken.None));
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Evaluate_Cancelled_ThrowsAndCanBeRepeated(bool useCache)
    {
        using OnnxAnySubsetModel model = Open(useCache);
        SequenceCall call = CreateCall(model, 30, 3, 1);
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.ThrowsExactly<OperationCanceledException>(() => model.Evaluate([call], cancelled.Token));
        model.Evaluate([call], CancellationToken.None);
        Assert.IsTrue(call.Logits.ToArray().All(float.IsFinite));
    }

    /// <summary>A token that fires while a call runs stops it, and the next call is not affected.</summary>
    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Evaluate_CancelledWithinTheCall_ThrowsAndLeavesTheModelUsable(bool useCache)
    {
        using OnnxAnySubsetModel model = OnnxAnySubsetModel.Open(ModelFolder.Open(Files.Default), useCache: useCache);
        SequenceCall call = CreateCall(model, 120, 20, 1);
        SequenceCall[] large = [.. Enumerable.Range(0, 64).Select(seed => CreateCall(model, 128, 20, seed))];
        model.Evaluate([call], CancellationToken.None);
        float[] expected = call.Logits.ToArray();
        bool stopped = false;
        for (int attempt = 0; attempt < 50 && !stopped; attempt++)
        {
            // The token fires a little later in each attempt, so that one of them meets the call at work on any machine.
            using var cancellation = new CancellationTokenSource();
            using var started = new ManualResetEventSlim();
            Task firing = Task.Run(() =>
            {
                started.Wait();
                Thread.Sleep(10 + 5 * attempt);
                cancellation.Cancel();
            });
            try
            {
                started.Set();
                model.Evaluate(large, cancellation.Token);
            }
            catch (OperationCanceledException)
            {
                stopped = true;
            }

            firing.Wait();
            model.Release(call);
            model.Evaluate([call], CancellationToken.None);
            CollectionAssert.AreEqual(expected, call.Logits.ToArray());
        }

        Assert.IsTrue(stopped, "No call was stopped.");
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Evaluate_AfterDispose_Throws(bool useCache)
    {
        OnnxAnySubsetModel model = Open(useCache);
        SequenceCall call = CreateCall(model, 5, 1, 1);
        model.Dispose();
        model.Dispose();
        Assert.ThrowsExactly<ObjectDisposedException>(() => model.Evaluate([call], CancellationToken.None));
    }

    /// <summary>Capacity follows the number of elements: a call of many rows and one of many sequences do not multiply.</summary>
    [TestMethod]
    public void Hold_AfterGrowth_CountsElements()
    {
        CallBuffers buffers = new CallBuffers(new CallShape(1, 100, 100), 8).GrownFor(new CallShape(16, 20, 5));
        Assert.HasCount(320, buffers.InputIds);
        Assert.HasCount(100 * 8, buffers.Logits);
        Assert.IsTrue(buffers.Hold(new CallShape(10, 32, 10)));
        Assert.IsFalse(buffers.Hold(new CallShape(16, 20, 7)));
    }

    [TestMethod]
    public void Open_DeviceThatIsNotThere_SaysWhichAre()
    {
        foreach (Device device in new[] { Device.Cuda, Device.TensorRT })
        {
            string message = Assert.ThrowsExactly<DeviceNotAvailableException>(
                () => OnnxAnySubsetModel.Open(ModelFolder.Open(Files.Tiny), device)).Message;
            StringAssert.Contains(message, "Available: cpu");
            StringAssert.Contains(message, "AsArmGpu");
        }
    }

    /// <summary>ONNX Runtime has products of whole numbers for CPUs only; what is missing on a machine without a GPU is told second.</summary>
    [TestMethod]
    [DataRow("int8")]
    [DataRow("int4")]
    public void Open_IntegersOnAGpuWithoutFloat32Graphs_IsRefused(string precision)
    {
        foreach (Device device in new[] { Device.Cuda, Device.TensorRT })
        {
            string message = Assert.ThrowsExactly<DeviceNotAvailableException>(
                () => OnnxAnySubsetModel.Open(ModelFolder.Open(Files.InPrecision(precision)), device)).Message;
            StringAssert.Contains(message, $"precision {precision}");
            StringAssert.Contains(message, "--precision fp16");
        }
    }

    private static SequenceCall CreateCall(IAnySubsetModel model, int length, int questions, int seed)
    {
        var coins = new SeededCoins(seed);
        int[] tokens = [.. Enumerable.Range(0, length).Select(_ => (int)(coins.Toss() * model.VocabularySize))];
        bool[] given = [.. Enumerable.Range(0, length).Select(i => i == 0 || (i < length - questions && coins.Toss() < 0.5))];
        Order order = Order.Random(given, coins);
        var call = new SequenceCall(order, tokens, model.VocabularySize, questions);
        int known = order.GivenCount;
        call.Begin(known);
        for (int i = 0; i < Math.Min(questions, order.TargetCount); i++)
            call.Ask(new Conditional(known + i, known));
        return call;
    }
}
