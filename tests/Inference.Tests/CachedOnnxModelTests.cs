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

    private readonly CacheSlots _slots = new(new HostKeyValueCache(2, 2, 4), 64, 1000);

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
        var cache = new HostKeyValueCache(2, 2, 4);
        var slots = new CacheSlots(cache, 64, 1000);
        SequenceCall[] calls = [.. Enumerable.Range(0, 4).Select(_ => NewCall(20))];
        slots.Prepare(calls);
        Assert.AreEqual(new CacheLayout(4, 64), cache.Layout);
        int layouts = slots.Layouts, freed = slots.Find(calls[1])!.Index;
        slots.Release(calls[1]);
        slots.Release(calls[1]);
        SequenceCall newcomer = NewCall(30);
        slots.Prepare([calls[0], newcomer]);
        Assert.AreEqual(freed, slots.Find(newcomer)!.Index);
        slots.Release(calls[0]);
        slots.Prepare([calls[3]]);
        Assert.AreEqual((3, layouts), (slots.Count, slots.Layouts), "Memory is not moved for that.");
        CollectionAssert.AreEquivalent(
            new[] { 0, 1, 2 }, new[] { calls[2], calls[3], newcomer }.Select(call => slots.Find(call)!.Index).ToArray(), "Slots in use are the first ones.");
    }

    [TestMethod]
    public void Prepare_OtherLengths_FitsTheMemoryToThem()
    {
        var cache = new HostKeyValueCache(2, 2, 4);
        var slots = new CacheSlots(cache, 512, 10_000);
        SequenceCall brief = NewCall(20), extended = NewCall(500);
        slots.Prepare([brief]);
        Assert.AreEqual(64, cache.Layout.Length);
        slots.Prepare([brief, extended]);
        Assert.AreEqual(512, cache.Layout.Length);
        slots.Release(extended);
        slots.Prepare([brief]);
        Assert.AreEqual(64, cache.Layout.Length, "One long sequence does not burden all others for ever.");
    }

    [TestMethod]
    public void Prepare_MoreThanTheLimit_DropsTheLongestUnused()
    {
        var cache = new HostKeyValueCache(2, 2, 4);
        var slots = new CacheSlots(cache, 64, 3 * 64);
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
