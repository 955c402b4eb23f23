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

/// <summary>What the cache encodes, allocates and refuses. That it does not change logits is tested in <see cref="CacheEqualityTests" />.</summary>
[TestClass]
public sealed class CachedOnnxModelTests
{
    [TestMethod]
    public void Plan_NewAndRejectedTokens_EncodesOnlyThese()
    {
        Order order = Order.LeftToRight([true, true, true, false, false, false, false, false]);
        var state = new SequenceState(order, new int[8], 64, 2);
        Assert.AreEqual(3, EncodedTokens(state, known: 3), "All given tokens.");
        Assert.AreEqual(1, EncodedTokens(state, known: 3), "Nothing is new, but a run needs one content position.");
        SetTokens(state, 3, 10, 11, 12);
        Assert.AreEqual(3, EncodedTokens(state, known: 6), "The draft tokens.");
        SetTokens(state, 4, 20);
        Assert.AreEqual(1, EncodedTokens(state, known: 5), "The replacement of a rejected token.");
        SetTokens(state, 5, 12, 13);
        Assert.AreEqual(2, EncodedTokens(state, known: 7), "All tokens after a replaced one are encoded again, even if they are the same.");
        SetTokens(state, 3, 10, 20, 12, 13);
        Assert.AreEqual(1, EncodedTokens(state, known: 8), "Tokens that were drafted again are cached.");
    }

    private readonly CacheSlots _slots = new(new HostKeyValueCache<float>(2, 2, 4), CacheSlotsTests.RoundedUp(64), 1000, () => { });

    private int EncodedTokens(SequenceState state, int known)
    {
        state.BeginForwardPass(known);
        state.AddQuery(new Conditional(Math.Min(known, 7), 3));
        var planner = new RunPlanner(2);
        _slots.Prepare([state]);
        planner.Plan([state], _slots, 64, 64);
        PlannedSequence sequence = planner.Sequences[0];
        sequence.Slot!.MarkCached(sequence.FirstRank);
        return sequence.Content;
    }

    private static void SetTokens(SequenceState state, int rank, params int[] tokens)
    {
        for (int i = 0; i < tokens.Length; i++)
            state.SetToken(rank + i, tokens[i]);
    }

    [TestMethod]
    public void Prepare_ReleasedSlot_IsReused()
    {
        int layouts = 0;
        var cache = new HostKeyValueCache<float>(2, 2, 4);
        var slots = new CacheSlots(cache, CacheSlotsTests.RoundedUp(64), 1000, () => layouts++);
        SequenceState[] states = [.. Enumerable.Range(0, 4).Select(_ => NewState(20))];
        slots.Prepare(states);
        Assert.AreEqual(new CacheLayout(4, 64), cache.Layout);
        int freed = slots.Find(states[1])!.Index;
        slots.Release(states[1]);
        slots.Release(states[1]);
        SequenceState added = NewState(30);
        slots.Prepare([states[0], added]);
        Assert.AreEqual(freed, slots.Find(added)!.Index);
        slots.Release(states[0]);
        slots.Prepare([states[3]]);
        Assert.AreEqual((3, 1), (slots.Count, layouts), "The layout does not change.");
        CollectionAssert.AreEquivalent(
            new[] { 0, 1, 2 }, new[] { states[2], states[3], added }.Select(state => slots.Find(state)!.Index).ToArray(), "The slots in use are contiguous.");
    }

    [TestMethod]
    public void Prepare_OtherLengths_AdaptsTheLayout()
    {
        var cache = new HostKeyValueCache<float>(2, 2, 4);
        var slots = new CacheSlots(cache, CacheSlotsTests.RoundedUp(512), 10_000, () => { });
        SequenceState shortOne = NewState(20), longOne = NewState(500);
        slots.Prepare([shortOne]);
        Assert.AreEqual(64, cache.Layout.Length);
        slots.Prepare([shortOne, longOne]);
        Assert.AreEqual(512, cache.Layout.Length);
        slots.Release(longOne);
        for (int pass = 1; pass < MemoryBounds.PassesBeforeShrinking; pass++)
            slots.Prepare([shortOne]);
        Assert.AreEqual(512, cache.Layout.Length, "The cache does not shrink at once.");
        slots.Prepare([shortOne]);
        Assert.AreEqual(64, cache.Layout.Length, "The cache shrinks after a number of passes.");
    }

    /// <summary>A change of the layout copies the cache and releases all tensors.</summary>
    [TestMethod]
    public void Prepare_AlternatingLengths_ResizesTheCacheOnce()
    {
        int layouts = 0;
        var slots = new CacheSlots(new HostKeyValueCache<float>(2, 2, 4), CacheSlotsTests.RoundedUp(512), 10_000, () => layouts++);
        for (int pass = 0; pass < 200; pass++)
        {
            SequenceState state = NewState(pass % 2 == 0 ? 20 : 500);
            slots.Prepare([state]);
            slots.Release(state);
        }

        Assert.AreEqual(2, layouts);
    }

    [TestMethod]
    public void Prepare_FewAfterMany_ShrinksTheCache()
    {
        var cache = new HostKeyValueCache<float>(2, 2, 4);
        var slots = new CacheSlots(cache, CacheSlotsTests.RoundedUp(64), 10_000, () => { });
        SequenceState[] states = [.. Enumerable.Range(0, 16).Select(_ => NewState(20))];
        slots.Prepare(states);
        Assert.AreEqual(16, cache.Layout.Slots);
        foreach (SequenceState state in states[1..])
            slots.Release(state);
        for (int pass = 0; pass < MemoryBounds.PassesBeforeShrinking; pass++)
            slots.Prepare([states[0]]);
        Assert.AreEqual(1, cache.Layout.Slots);
    }

    [TestMethod]
    public void Release_LastSequence_FreesALargeCache()
    {
        var cache = new HostKeyValueCache<float>(2, 2, 4);
        var slots = new CacheSlots(cache, CacheSlotsTests.RoundedUp(64), 10_000, () => { }, retainedTokens: 3 * 64);
        SequenceState[] states = [.. Enumerable.Range(0, 4).Select(_ => NewState(20))];
        slots.Prepare(states.AsSpan(0, 3));
        foreach (SequenceState state in states)
            slots.Release(state);
        Assert.AreEqual(new CacheLayout(3, 64), cache.Layout, "A small cache is retained.");
        slots.Prepare(states);
        slots.Release(states[1]);
        Assert.AreEqual(6, cache.Layout.Slots, "Other sequences have slots.");
        foreach (SequenceState state in states)
            slots.Release(state);
        Assert.AreEqual(default, cache.Layout);
        slots.Prepare(states.AsSpan(0, 1));
        Assert.AreEqual(new CacheLayout(1, 64), cache.Layout);
    }

    [TestMethod]
    public void Prepare_MoreThanTheLimit_DropsTheLeastRecentlyUsed()
    {
        var cache = new HostKeyValueCache<float>(2, 2, 4);
        var slots = new CacheSlots(cache, CacheSlotsTests.RoundedUp(64), 3 * 64, () => { });
        SequenceState[] states = [.. Enumerable.Range(0, 5).Select(_ => NewState(20))];
        slots.Prepare([states[0], states[1]]);
        slots.Prepare([states[2]]);
        slots.Prepare([states[1], states[3]]);
        Assert.IsNull(slots.Find(states[0]));
        Assert.IsNotNull(slots.Find(states[2]));
        slots.Prepare(states);
        Assert.AreEqual((3, 3), (slots.Count, cache.Layout.Slots));
        CacheSlot?[] kept = [.. states.Select(slots.Find)];
        slots.Prepare(states);
        CollectionAssert.AreEqual(kept, states.Select(slots.Find).ToArray(), "If a pass is too large for the limit, the same sequences keep their slots.");
    }

    /// <summary>Once a long sequence is dropped, slots are shorter and others need not be dropped.</summary>
    [TestMethod]
    public void Prepare_LongSequenceDropped_KeepsTheShortOnes()
    {
        var slots = new CacheSlots(new HostKeyValueCache<float>(2, 2, 4), CacheSlotsTests.RoundedUp(512), 4 * 512, () => { });
        SequenceState[] shortOne = [.. Enumerable.Range(0, 3).Select(_ => NewState(20))];
        slots.Prepare([NewState(500)]);
        slots.Prepare(shortOne);
        slots.Prepare([.. Enumerable.Range(0, 6).Select(_ => NewState(20))]);
        Assert.AreEqual(9, slots.Count);
        Assert.IsTrue(shortOne.All(state => slots.Find(state) is not null));
    }

    /// <summary>Also if there is memory for one sequence only.</summary>
    [TestMethod]
    [DataRow(1)]
    [DataRow(9)]
    public void Prepare_SameSequenceTwice_ChangesNothing(int maxSlots)
    {
        var slots = new CacheSlots(new HostKeyValueCache<float>(2, 2, 4), CacheSlotsTests.RoundedUp(64), maxSlots * 64, () => { });
        SequenceState earlier = NewState(20), twice = NewState(20);
        slots.Prepare([earlier]);
        Assert.ThrowsExactly<ArgumentException>(() => slots.Prepare([twice, twice]));
        Assert.IsNull(slots.Find(twice));
        Assert.AreEqual(0, slots.Find(earlier)!.Index);
        slots.Release(earlier);
        slots.Prepare([twice]);
        Assert.AreEqual(0, slots.Find(twice)!.Index);
    }

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

    [TestMethod]
    public void Resize_TooLarge_LeavesAnEmptyCache()
    {
        var cache = new HostKeyValueCache<float>(2, 2, 4);
        cache.Resize(new CacheLayout(2, 64), 0);
        Assert.ThrowsExactly<OverflowException>(() => cache.Resize(new CacheLayout(int.MaxValue, 64), 2));
        Assert.AreEqual(default, cache.Layout);
        cache.Resize(new CacheLayout(3, 64), 0);
        Assert.AreEqual(new CacheLayout(3, 64), cache.Layout);
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

    private static SequenceState NewState(int length)
    {
        var state = new SequenceState(Order.LeftToRight([true, .. new bool[length - 1]]), new int[length], 64, 1);
        state.BeginForwardPass(1);
        state.AddQuery(new Conditional(1, 1));
        return state;
    }
}
