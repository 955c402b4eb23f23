using AsArm.Assd;

namespace AsArm.Inference.Tests;

/// <summary>What the cache saves, allocates and refuses; that it changes nothing is in <see cref="CacheEqualityTests" />.</summary>
[TestClass]
public sealed class CachedOnnxModelTests
{
    [TestMethod]
    public void Plan_NewAndRejectedTokens_EncodesOnlyThese()
    {
        Order order = Order.LeftToRight([true, true, true, false, false, false, false, false]);
        var call = new SequenceCall(order, new int[8], 64, 2);
        Assert.AreEqual(3, RowsOf(call, known: 3), "Every given token.");
        Assert.AreEqual(1, RowsOf(call, known: 3), "Nothing new: one row, as a run needs one.");
        SetTokens(call, 3, 10, 11, 12);
        Assert.AreEqual(3, RowsOf(call, known: 6), "The proposals.");
        SetTokens(call, 4, 20);
        Assert.AreEqual(1, RowsOf(call, known: 5), "A rejected one was replaced.");
        SetTokens(call, 5, 12, 13);
        Assert.AreEqual(2, RowsOf(call, known: 7), "What follows a replaced token is encoded again, the same or not.");
        SetTokens(call, 3, 10, 20, 12, 13);
        Assert.AreEqual(1, RowsOf(call, known: 8), "What was proposed again is known.");
    }

    private readonly CacheSlots _slots = new(new HostKeyValueCache(2, 2, 4), 64, 1000, () => { });

    private int RowsOf(SequenceCall call, int known)
    {
        call.Begin(known);
        call.Ask(new Conditional(Math.Min(known, 7), 3));
        var planner = new RunPlanner(2);
        _slots.Prepare([call]);
        planner.Plan([call], _slots, 64);
        CachedRow row = planner.Rows[0];
        row.Slot!.Note(row.First);
        return row.Content;
    }

    private static void SetTokens(SequenceCall call, int rank, params int[] tokens)
    {
        for (int i = 0; i < tokens.Length; i++)
            call.SetToken(rank + i, tokens[i]);
    }

    [TestMethod]
    public void Prepare_ReleasedSlot_GoesToTheNextSequence()
    {
        int layouts = 0;
        var cache = new HostKeyValueCache(2, 2, 4);
        var slots = new CacheSlots(cache, 64, 1000, () => layouts++);
        SequenceCall[] calls = [.. Enumerable.Range(0, 4).Select(_ => NewCall(20))];
        slots.Prepare(calls);
        Assert.AreEqual(new CacheLayout(4, 64), cache.Layout);
        int freed = slots.Find(calls[1])!.Index;
        slots.Release(calls[1]);
        slots.Release(calls[1]);
        SequenceCall newcomer = NewCall(30);
        slots.Prepare([calls[0], newcomer]);
        Assert.AreEqual(freed, slots.Find(newcomer)!.Index);
        slots.Release(calls[0]);
        slots.Prepare([calls[3]]);
        Assert.AreEqual((3, 1), (slots.Count, layouts), "Memory is not moved for that.");
        CollectionAssert.AreEquivalent(
            new[] { 0, 1, 2 }, new[] { calls[2], calls[3], newcomer }.Select(call => slots.Find(call)!.Index).ToArray(), "Slots in use are the first ones.");
    }

    [TestMethod]
    public void Prepare_OtherLengths_FitsTheMemoryToThem()
    {
        var cache = new HostKeyValueCache(2, 2, 4);
        var slots = new CacheSlots(cache, 512, 10_000, () => { });
        SequenceCall brief = NewCall(20), extended = NewCall(500);
        slots.Prepare([brief]);
        Assert.AreEqual(64, cache.Layout.Length);
        slots.Prepare([brief, extended]);
        Assert.AreEqual(512, cache.Layout.Length);
        slots.Release(extended);
        for (int call = 1; call < MemoryBounds.Patience; call++)
            slots.Prepare([brief]);
        Assert.AreEqual(512, cache.Layout.Length, "Another long one may come.");
        slots.Prepare([brief]);
        Assert.AreEqual(64, cache.Layout.Length, "One long sequence does not burden all others for ever.");
    }

    /// <summary>Each layout moves all that is in the cache, and lets go of the tensors of all shapes.</summary>
    [TestMethod]
    public void Prepare_ShortAndLongByTurns_MovesTheCacheOnce()
    {
        int layouts = 0;
        var slots = new CacheSlots(new HostKeyValueCache(2, 2, 4), 512, 10_000, () => layouts++);
        for (int turn = 0; turn < 200; turn++)
        {
            SequenceCall call = NewCall(turn % 2 == 0 ? 20 : 500);
            slots.Prepare([call]);
            slots.Release(call);
        }

        Assert.AreEqual(2, layouts);
    }

    [TestMethod]
    public void Prepare_FewAfterMany_GivesTheirRoomBack()
    {
        var cache = new HostKeyValueCache(2, 2, 4);
        var slots = new CacheSlots(cache, 64, 10_000, () => { });
        SequenceCall[] calls = [.. Enumerable.Range(0, 16).Select(_ => NewCall(20))];
        slots.Prepare(calls);
        Assert.AreEqual(16, cache.Layout.Slots);
        foreach (SequenceCall call in calls[1..])
            slots.Release(call);
        for (int call = 0; call < MemoryBounds.Patience; call++)
            slots.Prepare([calls[0]]);
        Assert.AreEqual(1, cache.Layout.Slots);
    }

    [TestMethod]
    public void Release_LastSequenceOfALargeCache_FreesIt()
    {
        var cache = new HostKeyValueCache(2, 2, 4);
        var slots = new CacheSlots(cache, 64, 10_000, () => { }, keptTokens: 3 * 64);
        SequenceCall[] calls = [.. Enumerable.Range(0, 4).Select(_ => NewCall(20))];
        slots.Prepare(calls.AsSpan(0, 3));
        foreach (SequenceCall call in calls)
            slots.Release(call);
        Assert.AreEqual(new CacheLayout(3, 64), cache.Layout, "A small one stays.");
        slots.Prepare(calls);
        slots.Release(calls[1]);
        Assert.AreEqual(6, cache.Layout.Slots, "Others are under way.");
        foreach (SequenceCall call in calls)
            slots.Release(call);
        Assert.AreEqual(default, cache.Layout);
        slots.Prepare(calls.AsSpan(0, 1));
        Assert.AreEqual(new CacheLayout(1, 64), cache.Layout);
    }

    [TestMethod]
    public void Prepare_MoreThanTheLimit_DropsTheLongestUnused()
    {
        var cache = new HostKeyValueCache(2, 2, 4);
        var slots = new CacheSlots(cache, 64, 3 * 64, () => { });
        SequenceCall[] calls = [.. Enumerable.Range(0, 5).Select(_ => NewCall(20))];
        slots.Prepare([calls[0], calls[1]]);
        slots.Prepare([calls[2]]);
        slots.Prepare([calls[1], calls[3]]);
        Assert.IsNull(slots.Find(calls[0]));
        Assert.IsNotNull(slots.Find(calls[2]));
        slots.Prepare(calls);
        Assert.AreEqual((3, 3), (slots.Count, cache.Layout.Slots));
        CacheSlot?[] kept = [.. calls.Select(slots.Find)];
        slots.Prepare(calls);
        CollectionAssert.AreEqual(kept, calls.Select(slots.Find).ToArray(), "Of a call too large for all, the same ones keep their places.");
    }

    /// <summary>With a long sequence gone, others need no longer go.</summary>
    [TestMethod]
    public void Prepare_LongSequenceDropped_KeepsTheShortOnes()
    {
        var slots = new CacheSlots(new HostKeyValueCache(2, 2, 4), 512, 4 * 512, () => { });
        SequenceCall[] brief = [.. Enumerable.Range(0, 3).Select(_ => NewCall(20))];
        slots.Prepare([NewCall(500)]);
        slots.Prepare(brief);
        slots.Prepare([.. Enumerable.Range(0, 6).Select(_ => NewCall(20))]);
        Assert.AreEqual(9, slots.Count);
        Assert.IsTrue(brief.All(call => slots.Find(call) is not null));
    }

    /// <summary>Where there is room for the sequence once only, too.</summary>
    [TestMethod]
    [DataRow(1)]
    [DataRow(9)]
    public void Prepare_OneSequenceTwice_ChangesNothing(int room)
    {
        var slots = new CacheSlots(new HostKeyValueCache(2, 2, 4), 64, room * 64, () => { });
        SequenceCall earlier = NewCall(20), twice = NewCall(20);
        slots.Prepare([earlier]);
        Assert.ThrowsExactly<ArgumentException>(() => slots.Prepare([twice, twice]));
        Assert.IsNull(slots.Find(twice));
        Assert.AreEqual(0, slots.Find(earlier)!.Index);
        slots.Release(earlier);
        slots.Prepare([twice]);
        Assert.AreEqual(0, slots.Find(twice)!.Index);
    }

    /// <summary>Memory that runs out while the cache grows takes what it held along: nothing of that counts as known.</summary>
    [TestMethod]
    public void Evaluate_AfterTheCacheFailedToGrow_AnswersAsTheStatelessGraph()
    {
        ModelFolder folder = ModelFolder.Open(Files.Tiny);
        ModelManifest manifest = folder.Manifest;
        var cache = new FailingCache(new HostKeyValueCache(2 * manifest.Layers, manifest.Heads, manifest.HeadSize));
        using CachedOnnxModel cached = CachedOnnxModel.Open(folder, new Placement(Device.Cpu), long.MaxValue, cache);
        using StatelessOnnxModel stateless = StatelessOnnxModel.Open(folder);
        SequenceCall call = NewCall(9);
        SetTokens(call, 1, 20, 30, 40);
        call.Begin(4);
        call.Ask(new Conditional(4, 4));
        cached.Evaluate([call], CancellationToken.None);
        cache.Fails = true;
        Assert.ThrowsExactly<InsufficientMemoryException>(() => cached.Evaluate([call, NewCall(9)], CancellationToken.None));
        cached.Evaluate([call], CancellationToken.None);
        float[] answer = call.Logits.ToArray();
        stateless.Evaluate([call], CancellationToken.None);
        for (int token = 0; token < answer.Length; token++)
            Assert.AreEqual(call.Logits[token], answer[token], 1e-4f);
    }

    [TestMethod]
    public void Resize_MoreThanThereCanBe_LeavesAnEmptyCache()
    {
        var cache = new HostKeyValueCache(2, 2, 4);
        cache.Resize(new CacheLayout(2, 64), 0);
        Assert.ThrowsExactly<OverflowException>(() => cache.Resize(new CacheLayout(int.MaxValue, 64), 2));
        Assert.AreEqual(default, cache.Layout);
        cache.Resize(new CacheLayout(3, 64), 0);
        Assert.AreEqual(new CacheLayout(3, 64), cache.Layout);
    }

    /// <summary>Else the old memory would stay until the new one is there.</summary>
    [TestMethod]
    public void Evaluate_CacheGrows_LetsGoOfItsTensorsBefore()
    {
        ModelFolder folder = ModelFolder.Open(Files.Tiny);
        var cache = new TensorCountingCache(folder.Manifest.Heads, folder.Manifest.HeadSize);
        using CachedOnnxModel model = CachedOnnxModel.Open(folder, new Placement(Device.Cpu), long.MaxValue, cache);
        SequenceCall call = NewCall(9);
        SetTokens(call, 1, 20);
        call.Begin(2);
        call.Ask(new Conditional(2, 2));
        for (int i = 0; i < 2; i++)
            model.Evaluate([call], CancellationToken.None);
        Assert.IsGreaterThan(0, cache.Tensors, "The second call reads from the cache.");
        model.Evaluate([call, NewCall(9)], CancellationToken.None);
        CollectionAssert.AreEqual(new[] { 0, 0 }, cache.TensorsAtResize);
    }

    [TestMethod]
    public void Evaluate_OneSequenceTwice_Throws()
    {
        using CachedOnnxModel model = CachedOnnxModel.Open(ModelFolder.Open(Files.Tiny));
        SequenceCall call = NewCall(9);
        model.Evaluate([call], CancellationToken.None);
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => model.Evaluate([call, call], CancellationToken.None)).Message, "twice");
        SequenceCall fresh = NewCall(9);
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => model.Evaluate([fresh, fresh], CancellationToken.None)).Message, "twice");
    }

    /// <summary>A round in steady state: the shapes have been seen, nothing is allocated.</summary>
    [TestMethod]
    [DataRow(1)]
    [DataRow(5)]
    public void Step_SteadyState_AllocatesNothing(int batch)
    {
        using CachedOnnxModel model = CachedOnnxModel.Open(ModelFolder.Open(Files.Tiny));
        var order = Order.LeftToRight([true, .. new bool[63]]);
        using var loop = new SamplingLoop(model);
        for (int i = 0; i < batch; i++)
            loop.Add(new SequentialSampler(order, new int[64], new() { BannedTokens = [6] }, 64), new SeededCoins(i));
        for (int i = 0; i < 10; i++)
            loop.Step(CancellationToken.None);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 50; i++)
            loop.Step(CancellationToken.None);
        Assert.AreEqual(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.AreEqual(batch, loop.Count);
    }

    private static SequenceCall NewCall(int length)
    {
        var call = new SequenceCall(Order.LeftToRight([true, .. new bool[length - 1]]), new int[length], 64, 1);
        call.Begin(1);
        call.Ask(new Conditional(1, 1));
        return call;
    }
}
