using AsArm.Assd.Models;
using AsArm.Inference.Onnx.Cached;
using AsArm.Inference.Onnx.Sessions;

namespace AsArm.Inference.Tests.Onnx.Cached;

/// <summary>Which sequences have slots, and which slots they are.</summary>
[TestClass]
public sealed class SlotAssignmentTests
{
    private readonly HostKeyValueCache<float> _cache = new(1, 1, 1);
    private int _resized;

    /// <summary>So that sequences of similar length can share a run.</summary>
    [TestMethod]
    public void Prepare_NewSequences_GetSlotsByTheirTokens()
    {
        CacheSlots slots = NewSlots();
        SequenceState[] states = [.. ((int[])[3, 9, 1, 9, 5]).Select(known => NewState(20, known))];
        slots.Prepare(states);
        CollectionAssert.AreEqual(new[] { 3, 0, 4, 1, 2 }, states.Select(state => slots.Find(state)!.Index).ToArray());
    }

    [TestMethod]
    public void Prepare_ManyMoreSequences_HasASlotForEach()
    {
        CacheSlots slots = NewSlots();
        slots.Prepare([NewState(20), NewState(20)]);
        slots.Prepare([.. Enumerable.Range(0, 5).Select(_ => NewState(20))]);
        Assert.AreEqual(7, _cache.Layout.Slots);
    }

    [TestMethod]
    public void Prepare_NoMemory_NeverTouchesTheCache()
    {
        CacheSlots slots = NewSlots(maxTokens: 63);
        SequenceState state = NewState(20);
        for (int pass = 0; pass < 2 * MemoryBounds.PassesBeforeShrinking; pass++)
            slots.Prepare([state]);
        Assert.AreEqual((0, 0), (slots.Count, _resized));
        Assert.IsNull(slots.Find(state));
    }

    /// <summary>A sequence counts as used in the pass in which it gets its slot.</summary>
    [TestMethod]
    public void Prepare_MoreThanTheLimit_KeepsTheNewest()
    {
        CacheSlots slots = NewSlots(maxTokens: 2 * 64);
        SequenceState oldest = NewState(20), newest = NewState(20), other = NewState(20);
        slots.Prepare([oldest]);
        slots.Prepare([oldest]);
        slots.Prepare([newest]);
        slots.Prepare([other]);
        Assert.IsNull(slots.Find(oldest));
        Assert.IsNotNull(slots.Find(newest));
    }

    [TestMethod]
    public void Release_UnknownSequence_ChangesNothing()
    {
        CacheSlots slots = NewSlots(retainedTokens: 0);
        slots.Prepare([NewState(20)]);
        slots.Release(NewState(20));
        Assert.AreEqual((1, 1, 1), (slots.Count, _cache.Layout.Slots, _resized));
    }

    [TestMethod]
    public void Prepare_ReleasedSlot_IsReused()
    {
        CacheSlots slots = NewSlots(maxLength: 64, maxTokens: 1000);
        SequenceState[] states = [.. Enumerable.Range(0, 4).Select(_ => NewState(20))];
        slots.Prepare(states);
        Assert.AreEqual(new CacheLayout(4, 64), _cache.Layout);
        int freed = slots.Find(states[1])!.Index;
        slots.Release(states[1]);
        slots.Release(states[1]);
        SequenceState added = NewState(30);
        slots.Prepare([states[0], added]);
        Assert.AreEqual(freed, slots.Find(added)!.Index);
        slots.Release(states[0]);
        slots.Prepare([states[3]]);
        Assert.AreEqual((3, 1), (slots.Count, _resized), "The layout does not change.");
        CollectionAssert.AreEquivalent(
            new[] { 0, 1, 2 }, new[] { states[2], states[3], added }.Select(state => slots.Find(state)!.Index).ToArray(), "The slots in use are contiguous.");
    }

    [TestMethod]
    public void Prepare_MoreThanTheLimit_DropsTheLeastRecentlyUsed()
    {
        CacheSlots slots = NewSlots(maxLength: 64, maxTokens: 3 * 64);
        SequenceState[] states = [.. Enumerable.Range(0, 5).Select(_ => NewState(20))];
        slots.Prepare([states[0], states[1]]);
        slots.Prepare([states[2]]);
        slots.Prepare([states[1], states[3]]);
        Assert.IsNull(slots.Find(states[0]));
        Assert.IsNotNull(slots.Find(states[2]));
        slots.Prepare(states);
        Assert.AreEqual((3, 3), (slots.Count, _cache.Layout.Slots));
        CacheSlot?[] kept = [.. states.Select(slots.Find)];
        slots.Prepare(states);
        CollectionAssert.AreEqual(kept, states.Select(slots.Find).ToArray(), "If a pass is too large for the limit, the same sequences keep their slots.");
    }

    /// <summary>Once a long sequence is dropped, slots are shorter and others need not be dropped.</summary>
    [TestMethod]
    public void Prepare_LongSequenceDropped_KeepsTheShortOnes()
    {
        CacheSlots slots = NewSlots(maxTokens: 4 * 512);
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
        CacheSlots slots = NewSlots(maxLength: 64, maxTokens: maxSlots * 64);
        SequenceState earlier = NewState(20), twice = NewState(20);
        slots.Prepare([earlier]);
        Assert.ThrowsExactly<ArgumentException>(() => slots.Prepare([twice, twice]));
        Assert.IsNull(slots.Find(twice));
        Assert.AreEqual(0, slots.Find(earlier)!.Index);
        slots.Release(earlier);
        slots.Prepare([twice]);
        Assert.AreEqual(0, slots.Find(twice)!.Index);
    }

    private CacheSlots NewSlots(int maxLength = 512, long maxTokens = long.MaxValue, long retainedTokens = long.MaxValue) =>
        new(_cache, CacheSlotsTests.RoundedUp(maxLength), maxTokens, () => _resized++, retainedTokens);

    private static SequenceState NewState(int length, int known = 1) => CacheSlotsTests.NewState(length, known);
}
