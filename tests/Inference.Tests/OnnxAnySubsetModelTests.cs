using AsArm.Assd;

namespace AsArm.Inference.Tests;

[TestClass]
public sealed class OnnxAnySubsetModelTests
{
    private static OnnxAnySubsetModel Open() => OnnxAnySubsetModel.Open(ModelFolder.Open(Files.Tiny));

    [TestMethod]
    public void Evaluate_BatchOfDifferentLengths_AnswersEachAsAlone()
    {
        using OnnxAnySubsetModel model = Open();
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
    public void Evaluate_SameCallAgain_GivesTheSameBits()
    {
        using OnnxAnySubsetModel model = Open();
        SequenceCall call = CreateCall(model, 20, 4, 1);
        model.Evaluate([call], CancellationToken.None);
        float[] first = call.Logits.ToArray();
        for (int length = 2; length < 64; length++) // other shapes in between, more than are kept bound
            model.Evaluate([CreateCall(model, length, 1 + length % 2, length)], CancellationToken.None);
        model.Evaluate([call], CancellationToken.None);
        CollectionAssert.AreEqual(first, call.Logits.ToArray());
    }

    [TestMethod]
    public void Evaluate_HiddenTokens_AreNotSeen()
    {
        using OnnxAnySubsetModel model = Open();
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
    public void Evaluate_OtherTokensOrHorizon_ChangesTheAnswer()
    {
        using OnnxAnySubsetModel model = Open();
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
    public void Evaluate_WhatTheNetworkCannotTake_Throws()
    {
        using OnnxAnySubsetModel model = Open();
        SequenceCall tooLong = CreateCall(model, 65, 1, 1);
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => model.Evaluate([tooLong], CancellationToken.None)).Message, "64");
        var nothingGiven = new SequenceCall(Order.LeftToRight([false, false]), [0, 0], model.VocabularySize, 1);
        nothingGiven.Ask(new Conditional(0, 0));
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => model.Evaluate([nothingGiven], CancellationToken.None)).Message, "separator");
        var asksNothing = new SequenceCall(Order.LeftToRight([true, false]), [0, 0], model.VocabularySize, 1);
        Assert.ThrowsExactly<ArgumentException>(() => model.Evaluate([asksNothing], CancellationToken.None));
        Assert.ThrowsExactly<ArgumentException>(() => model.Evaluate([], CancellationToken.None));
    }

    [TestMethod]
    public void Evaluate_Cancelled_ThrowsAndCanBeRepeated()
    {
        using OnnxAnySubsetModel model = Open();
        SequenceCall call = CreateCall(model, 30, 3, 1);
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.ThrowsExactly<OperationCanceledException>(() => model.Evaluate([call], cancelled.Token));
        model.Evaluate([call], CancellationToken.None);
        Assert.IsTrue(call.Logits.ToArray().All(float.IsFinite));
    }

    /// <summary>Whenever the token fires, a call either ends or throws, and the next one is not affected.</summary>
    [TestMethod]
    public void Evaluate_CancelledAtAnyTime_LeavesTheModelUsable()
    {
        using OnnxAnySubsetModel model = OnnxAnySubsetModel.Open(ModelFolder.Open(Files.Default));
        SequenceCall call = CreateCall(model, 120, 60, 1);
        model.Evaluate([call], CancellationToken.None);
        float[] expected = call.Logits.ToArray();
        for (int delay = 0; delay < 20; delay++)
        {
            using var cancellation = new CancellationTokenSource(TimeSpan.FromMilliseconds(delay));
            try
            {
                model.Evaluate([call], cancellation.Token);
            }
            catch (OperationCanceledException)
            {
                // the other allowed outcome
            }

            model.Evaluate([call], CancellationToken.None);
            CollectionAssert.AreEqual(expected, call.Logits.ToArray());
        }
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
