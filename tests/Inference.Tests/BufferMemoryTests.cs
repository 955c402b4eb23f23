using AsArm.Assd;

namespace AsArm.Inference.Tests;

/// <summary>What a large call leaves behind: nothing but what small calls need.</summary>
[TestClass]
public sealed class BufferMemoryTests
{
    private const int Length = 128, Batch = 40; // of the default model: 40 x 120 x 4,096 logits are 79 MB

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void Evaluate_ManyLogits_AreAnsweredInRunsOfBoundedMemory(bool useCache)
    {
        using OnnxAnySubsetModel model = OnnxAnySubsetModel.Open(ModelFolder.Open(Files.Default), useCache: useCache);
        SequenceCall[] calls = [.. Enumerable.Range(0, Batch).Select(i => NewCall(model, 120, 9 + i)), NewCall(model, 1, 8)];
        model.Evaluate(calls, CancellationToken.None);
        Assert.IsGreaterThan(MemoryBounds.KeptBytes / 2, model.BufferBytes, "They stay for the next call.");
        Assert.IsLessThanOrEqualTo(MemoryBounds.KeptBytes, model.BufferBytes);
        SequenceCall alone = NewCall(model, 120, 9 + 17);
        model.Evaluate([alone], CancellationToken.None);
        for (int i = 0; i < alone.Logits.Length; i++)
            Assert.AreEqual(alone.Logits[i], calls[17].Logits[i], 1e-3f);
    }

    /// <summary>One sequence is one run, whatever it takes.</summary>
    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void Evaluate_OneSequenceOfVeryManyLogits_LeavesNoLargeBuffers(bool useCache)
    {
        using OnnxAnySubsetModel model = OnnxAnySubsetModel.Open(ModelFolder.Open(Files.Default), useCache: useCache);
        const int Rows = 5000; // 82 MB
        var call = new SequenceCall(Order.LeftToRight([true, .. new bool[Length - 1]]), new int[Length], model.VocabularySize, Rows);
        call.Begin(1);
        for (int i = 0; i < Rows; i++)
            call.Ask(new Conditional(1 + (i % (Length - 1)), 1));
        model.Evaluate([call], CancellationToken.None);
        Assert.AreEqual(0, model.BufferBytes);
        float[] first = call.Row(0).ToArray();
        Assert.IsTrue(first.SequenceEqual(call.Row(Length - 1).ToArray()), "The same question, the same answer.");
        model.Evaluate([call], CancellationToken.None);
        Assert.IsTrue(first.SequenceEqual(call.Row(0).ToArray()));
    }

    private static SequenceCall NewCall(IAnySubsetModel model, int targets, int token)
    {
        bool[] given = [.. Enumerable.Repeat(true, Length - targets), .. new bool[targets]];
        var call = new SequenceCall(Order.LeftToRight(given), [.. Enumerable.Repeat(token, Length)], model.VocabularySize, targets);
        call.Begin(Length - targets);
        for (int i = 0; i < targets; i++)
            call.Ask(new Conditional(Length - targets + i, Length - targets));
        return call;
    }
}
