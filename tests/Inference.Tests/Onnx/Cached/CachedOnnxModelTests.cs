using System.Runtime.CompilerServices;
using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Inference.Devices;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Cached;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Onnx.Stateless;
using AsArm.Inference.Tests.Support;

namespace AsArm.Inference.Tests.Onnx.Cached;

/// <summary>What the model allocates, releases and refuses. That it does not change logits is tested in <see cref="CacheEqualityTests" />.</summary>
[TestClass]
public sealed class CachedOnnxModelTests
{
    /// <summary>If memory runs out while the cache grows, its content is lost and must not be used.</summary>
    [TestMethod]
    [DataRow(1)]
    [DataRow(3)]
    public void Evaluate_AfterTheCacheFailedToGrow_MatchesTheStatelessGraph(int format)
    {
        ModelFolder folder = ModelFolder.Open(Files.InFormat(format));
        var cache = new FailingCache(HostKeyValueCache.Create(folder.Manifest));
        using CachedOnnxModel cached = CachedOnnxModel.Open(folder, new ExecutionSettings(Device.Cpu), long.MaxValue, cache);
        using StatelessOnnxModel stateless = StatelessOnnxModel.Open(folder);
        SequenceState state = NewState(9);
        SetTokens(state, 1, 20, 30, 40);
        state.BeginForwardPass(4);
        state.AddQuery(new Conditional(4, 4));
        cached.Evaluate([state], CancellationToken.None);
        cache.Fails = true;
        Assert.ThrowsExactly<InsufficientMemoryException>(() => cached.Evaluate([state, NewState(9)], CancellationToken.None));
        cached.Evaluate([state], CancellationToken.None);
        float[] logits = state.Logits.ToArray();
        stateless.Evaluate([state], CancellationToken.None);
        for (int token = 0; token < logits.Length; token++)
            Assert.AreEqual(state.Logits[token], logits[token], 1e-4f);
    }

    /// <summary>Otherwise the old memory would stay referenced while the new one is allocated.</summary>
    [TestMethod]
    [DataRow(1)]
    [DataRow(3)]
    public void Evaluate_CacheGrows_ReleasesItsTensorsFirst(int format)
    {
        ModelFolder folder = ModelFolder.Open(Files.InFormat(format));
        var cache = new TensorCountingCache(folder.Manifest.Heads, folder.Manifest.HeadSize);
        using CachedOnnxModel model = CachedOnnxModel.Open(folder, new ExecutionSettings(Device.Cpu), long.MaxValue, cache);
        SequenceState state = NewState(9);
        SetTokens(state, 1, 20);
        state.BeginForwardPass(2);
        state.AddQuery(new Conditional(2, 2));
        for (int i = 0; i < 2; i++)
            model.Evaluate([state], CancellationToken.None);
        Assert.IsGreaterThan(0, cache.Tensors);
        model.Evaluate([state, NewState(9)], CancellationToken.None);
        CollectionAssert.AreEqual(new[] { 0, 0 }, cache.TensorsAtResize);
    }

    [TestMethod]
    public void Open_NegativeLimitOfTheCache_Throws() => Assert.AreEqual(
        "maxCacheBytes", Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => CachedOnnxModel.Open(ModelFolder.Open(Files.Tiny), maxCacheBytes: -1)).ParamName);

    /// <summary>A folder without a draft head returns no states: nobody could read them.</summary>
    [TestMethod]
    public void StateSize_OfAFolderWithoutADraftHead_IsZero()
    {
        using CachedOnnxModel model = CachedOnnxModel.Open(ModelFolder.Open(Files.Tiny));
        Assert.IsFalse(ModelFolder.Open(Files.Tiny).Manifest.HasDraftHead);
        Assert.AreEqual(0, model.StateSize);
    }

    /// <summary>Above 64 MiB it is released with its last sequence.</summary>
    [TestMethod]
    [DataRow(0)]
    [DataRow(1)]
    public void Release_LastSequence_RetainsASmallCache(int more)
    {
        ModelFolder folder = ModelFolder.Open(Files.Tiny);
        var cache = new TensorCountingCache(folder.Manifest.Heads, folder.Manifest.HeadSize);
        using CachedOnnxModel model = CachedOnnxModel.Open(folder, new ExecutionSettings(Device.Cpu), long.MaxValue, cache);
        int slots = (int)(MemoryBounds.RetainedBytes / (80 * folder.Manifest.CacheBytesPerToken)) + more;
        SequenceState[] states = [.. Enumerable.Range(0, slots).Select(_ => NewState(9))];
        model.Evaluate(states, CancellationToken.None);
        Assert.AreEqual(new CacheLayout(slots, 80), cache.Layout);
        foreach (SequenceState state in states)
            model.Release(state);
        Assert.AreEqual(more == 0 ? slots : 0, cache.Layout.Slots);
    }

    /// <summary>By default 2 GiB on a CPU; a limit that is given holds, 0 too.</summary>
    [TestMethod]
    public void Open_LimitOfTheCache_IsInPositionsOfSlots()
    {
        ModelFolder folder = ModelFolder.Open(Files.Tiny);
        foreach ((long? bytes, long expected) in ((long?, long)[])[(null, 2L << 30), (0, 0), (12345678, 12345678)])
        {
            using CachedOnnxModel model = CachedOnnxModel.Open(folder, maxCacheBytes: bytes);
            Assert.AreEqual(expected / folder.Manifest.CacheBytesPerToken, MaxTokensOf(CachedModelFields.Slots(model)));
        }
    }

    /// <summary>Each sequence has the logits of its queries: the model must not hold those that were released.</summary>
    [TestMethod]
    public void Release_Sequence_IsNotReferencedAnyMore()
    {
        using CachedOnnxModel model = CachedOnnxModel.Open(ModelFolder.Open(Files.Tiny));
        SequenceState other = NewState(9);
        WeakReference released = EvaluateAndRelease(model, other);
        GC.Collect();
        Assert.IsFalse(released.IsAlive);
        Assert.IsNotNull(CachedModelFields.Slots(model).Find(other));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference EvaluateAndRelease(CachedOnnxModel model, SequenceState other)
    {
        SequenceState state = NewState(9);
        model.Evaluate([state, other], CancellationToken.None);
        model.Release(state);
        return new(state);
    }

    [TestMethod]
    public void Evaluate_SameSequenceTwice_Throws()
    {
        using CachedOnnxModel model = CachedOnnxModel.Open(ModelFolder.Open(Files.Tiny));
        SequenceState state = NewState(9);
        model.Evaluate([state], CancellationToken.None);
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => model.Evaluate([state, state], CancellationToken.None)).Message, "twice");
        SequenceState fresh = NewState(9);
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => model.Evaluate([fresh, fresh], CancellationToken.None)).Message, "twice");
    }

    /// <summary>Once all shapes have been seen and the code has run for a while, a decoding step allocates nothing.</summary>
    [TestMethod]
    [DataRow(1, 1)]
    [DataRow(1, 5)]
    [DataRow(3, 1)]
    [DataRow(3, 5)]
    public void Step_SteadyState_AllocatesNothing(int format, int batch)
    {
        using CachedOnnxModel model = CachedOnnxModel.Open(ModelFolder.Open(Files.InFormat(format)));
        var order = Order.LeftToRight([true, .. new bool[63]]);
        SamplingLoop NewLoop() => new(
            model, [.. Enumerable.Range(0, batch).Select(_ => new SequentialSampler(order, new int[64], new() { BannedTokens = [6] }, 64))],
            [.. Enumerable.Range(0, batch).Select(seed => new SplitMix64(seed))]);
        using (SamplingLoop first = NewLoop())
            first.Run(CancellationToken.None); // what the runtime allocates when it compiles code once more belongs to no step
        using SamplingLoop loop = NewLoop();
        for (int i = 0; i < 10; i++)
            loop.Step(CancellationToken.None);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 50; i++)
            loop.Step(CancellationToken.None);
        Assert.AreEqual(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.AreEqual(batch, loop.Count);
    }

    private static void SetTokens(SequenceState state, int rank, params int[] tokens)
    {
        for (int i = 0; i < tokens.Length; i++)
            state.SetToken(rank + i, tokens[i]);
    }

    private static SequenceState NewState(int length)
    {
        var state = new SequenceState(Order.LeftToRight([true, .. new bool[length - 1]]), new int[length], 64, 1);
        state.BeginForwardPass(1);
        state.AddQuery(new Conditional(1, 1));
        return state;
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_maxTokens")]
    private static extern ref long MaxTokensOf(CacheSlots slots);
}
