using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Tests.Support;

namespace AsArm.Inference.Tests.Onnx;

/// <summary>Buffers after a large forward pass: no more memory is retained than small passes need.</summary>
[TestClass]
public sealed class BufferMemoryTests
{
    private const int Length = 128, Batch = 40; // of the default model: 40 x 120 x 4,096 logits are 79 MB

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void Evaluate_ManyLogits_UsesRunsOfBoundedMemory(bool useCache)
    {
        using OnnxAnySubsetModel model = OnnxModelLoader.Open(ModelFolder.Open(Files.Default), useCache: useCache);
        SequenceState[] states = [.. Enumerable.Range(0, Batch).Select(i => NewState(model, 120, 9 + i)), NewState(model, 1, 8)];
        model.Evaluate(states, CancellationToken.None);
        Assert.IsGreaterThan(MemoryBounds.RetainedBytes / 2, model.BufferBytes, "Buffers are retained for the next pass.");
        Assert.IsLessThanOrEqualTo(MemoryBounds.RetainedBytes, model.BufferBytes);
        SequenceState alone = NewState(model, 120, 9 + 17);
        model.Evaluate([alone], CancellationToken.None);
        for (int i = 0; i < alone.Logits.Length; i++)
            Assert.AreEqual(alone.Logits[i], states[17].Logits[i], 1e-3f);
    }

    /// <summary>One sequence is evaluated in one run, whatever memory it needs.</summary>
    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void Evaluate_OneSequenceWithManyLogits_RetainsNoLargeBuffers(bool useCache)
    {
        using OnnxAnySubsetModel model = OnnxModelLoader.Open(ModelFolder.Open(Files.Default), useCache: useCache);
        const int Queries = 5000; // 82 MB
        var state = new SequenceState(Order.LeftToRight([true, .. new bool[Length - 1]]), new int[Length], model.VocabularySize, Queries);
        state.BeginForwardPass(1);
        for (int i = 0; i < Queries; i++)
            state.AddQuery(new Conditional(1 + (i % (Length - 1)), 1));
        model.Evaluate([state], CancellationToken.None);
        Assert.AreEqual(0, model.BufferBytes);
        float[] first = state.Row(0).ToArray();
        Assert.IsTrue(first.SequenceEqual(state.Row(Length - 1).ToArray()), "Equal queries have equal logits.");
        model.Evaluate([state], CancellationToken.None);
        Assert.IsTrue(first.SequenceEqual(state.Row(0).ToArray()));
    }

    private static SequenceState NewState(IAnySubsetModel model, int targets, int token)
    {
        bool[] given = [.. Enumerable.Repeat(true, Length - targets), .. new bool[targets]];
        var state = new SequenceState(Order.LeftToRight(given), [.. Enumerable.Repeat(token, Length)], model.VocabularySize, targets);
        state.BeginForwardPass(Length - targets);
        for (int i = 0; i < targets; i++)
            state.AddQuery(new Conditional(Length - targets + i, Length - targets));
        return state;
    }
}
