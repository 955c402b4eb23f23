using System.Collections.Concurrent;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Assd.Tests.Exactness;
using AsArm.Assd.Tests.Support;
using AsArm.Assd.Tests.Support.Models;

namespace AsArm.Assd.Tests.Samplers;

/// <summary>Large batches, whose logits may be processed on several threads.</summary>
[TestClass]
public sealed class SamplingLoopThreadTests
{
    /// <summary>As on one thread: neither swallowed nor wrapped.</summary>
    [TestMethod]
    public void Step_ErrorOnAThread_IsThrown()
    {
        const int vocabularySize = 300_000;
        Sampler[] samplers = [.. Enumerable.Range(0, 2).Select(_ => new SequentialSampler(Order.LeftToRight([true, false]), new int[2], new(), vocabularySize))];
        using var loop = new SamplingLoop(new RandomModel(vocabularySize, 2, 1, 1), samplers, [new SplitMix64(1), new ScriptedRandom()]) { UsesThreads = true };
        StringAssert.Contains(Assert.ThrowsExactly<InvalidOperationException>(() => loop.Step(default)).Message, "random numbers were drawn");
    }

    [TestMethod]
    public void Step_LargeBatchWithoutUsesThreads_StaysOnTheCallingThread()
    {
        const int vocabularySize = 150_000;
        Sampler[] samplers = [.. Enumerable.Range(0, 4).Select(_ => new SequentialSampler(Order.LeftToRight([true, false]), new int[2], new(), vocabularySize))];
        var threads = new ConcurrentBag<int>();
        using var loop = new SamplingLoop(new RandomModel(vocabularySize, 2, 1, 1), samplers, [.. samplers.Select(_ => new ThreadRecordingRandom(threads))]);
        loop.Step(default);
        Assert.HasCount(samplers.Length, threads);
        Assert.IsTrue(threads.All(thread => thread == Environment.CurrentManagedThreadId));
    }

    /// <summary>Sequences with 11,000 logits a row: more than half a million in the first pass.</summary>
    [TestMethod]
    public void Run_LargeBatchOnThreads_GivesTheResultsOfSequencesAlone()
    {
        const int vocabularySize = 11_000, sequences = 24;
        SamplerKind[] kinds = [SamplerKind.Sequential, SamplerKind.Assd, SamplerKind.Fused, SamplerKind.FusedHead];
        Sampler New(int i) => Decoding.Create(kinds[i % kinds.Length], Order.LeftToRight([true, false, false, false]), new int[4], new() { DraftLength = 2 }, vocabularySize);
        Sampler[] samplers = [.. Enumerable.Range(0, sequences).Select(New)];
        var inner = new RandomModel(vocabularySize, 4, 30, 1);
        var failed = new List<Sampler>();
        using var loop = new SamplingLoop(new PoisonedModel(inner, state => state == samplers[5].State, fromPass: 2), samplers, [.. samplers.Select((_, i) => new SplitMix64(i))])
        {
            UsesThreads = true,
            OnFailure = (sampler, _) => failed.Add(sampler),
        };
        loop.Step(default);
        Assert.IsGreaterThanOrEqualTo(1 << 19, samplers.Sum(sampler => sampler.State.Logits.Length), "The pass is too small for threads.");
        loop.Run(default);
        CollectionAssert.AreEqual(new[] { samplers[5] }, failed);
        for (int i = 0; i < sequences; i++)
        {
            if (i == 5)
                continue;
            Sampler alone = Decoding.Run(New(i), inner, new SplitMix64(i));
            SpanAssert.AreEqual(alone.Tokens, samplers[i].Tokens);
            Assert.AreEqual(alone.Statistics, samplers[i].Statistics);
        }
    }

    private sealed class ThreadRecordingRandom(ConcurrentBag<int> threads) : IRandomSource
    {
        public double NextDouble()
        {
            threads.Add(Environment.CurrentManagedThreadId);
            Thread.Sleep(20); // lets other threads take part, if there are any
            return 0.5;
        }
    }
}
