using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Inference.Onnx.Cached;
using AsArm.Inference.Onnx.Sessions;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Tests.Onnx.Cached;

/// <summary>When the cache grows, shrinks and moves, and that sequences keep what is cached of them.</summary>
[TestClass]
public sealed class CacheSlotsTests
{
    private readonly HostKeyValueCache<float> _cache = new(1, 1, 1);
    private int _resized;

    /// <summary>The longest sequence of those with a slot and those of the pass decides.</summary>
    [TestMethod]
    public void Prepare_Lengths_AreThoseOfTheLongestSequence()
    {
        CacheSlots slots = new(_cache, length => 1000 + length, 4000, () => _resized++);
        slots.Prepare([NewState(20)]);
        Assert.AreEqual((new CacheLayout(1, 1020), 1020), (_cache.Layout, slots.Length));
        slots.Prepare([NewState(50), NewState(40)]);
        Assert.AreEqual((new CacheLayout(3, 1050), 1050), (_cache.Layout, slots.Length));
        slots.Prepare([NewState(3000)]);
        Assert.AreEqual((new CacheLayout(1, 4000), 4000), (_cache.Layout, slots.Length), "There is memory for one slot of this length.");
        slots.Prepare([NewState(3001)]);
        Assert.AreEqual((0, 4001), (slots.Count, slots.Length), "There is no memory for a slot, but its length is known.");
    }

    /// <summary>With buckets memory stays where it is: slots are as long as they have been, and what fits is computed with that length.</summary>
    [TestMethod]
    public void Prepare_ShorterSequencesOnADevice_KeepTheLengthOfSlots()
    {
        CacheSlots slots = new(_cache, RunLimits.Gpu.RoundLength, 1024, () => _resized++, limits: RunLimits.Gpu);
        SequenceState first = NewState(200);
        slots.Prepare([first]);
        Assert.AreEqual((new CacheLayout(1, 256), 256), (_cache.Layout, slots.Length));
        slots.Release(first);
        SequenceState[] short_ = [.. Enumerable.Range(0, 5).Select(_ => NewState(20))];
        slots.Prepare(short_);
        Assert.AreEqual((new CacheLayout(4, 256), 4, 256), (_cache.Layout, slots.Count, slots.Length));
        Assert.AreEqual(2, _resized);
    }

    /// <summary>When slots get longer, their number stays, though fewer are in use.</summary>
    [TestMethod]
    public void Prepare_ALongerSequenceOnADevice_KeepsTheNumberOfSlots()
    {
        CacheSlots slots = new(_cache, RunLimits.Gpu.RoundLength, long.MaxValue, () => _resized++, limits: RunLimits.Gpu);
        SequenceState[] four = [.. Enumerable.Range(0, 4).Select(_ => NewState(20))];
        slots.Prepare(four);
        foreach (SequenceState state in four)
            slots.Release(state);
        slots.Prepare([NewState(200)]);
        Assert.AreEqual(new CacheLayout(4, 256), _cache.Layout);
    }

    /// <summary>Doubles, up to the limit of memory.</summary>
    [TestMethod]
    public void Prepare_OneSequenceAfterAnother_DoublesTheSlots()
    {
        CacheSlots slots = NewSlots(maxTokens: 11 * 64);
        var layouts = new List<int>();
        for (int i = 0; i < 11; i++)
        {
            slots.Prepare([NewState(20)]);
            layouts.Add(_cache.Layout.Slots);
        }

        CollectionAssert.AreEqual(new[] { 1, 2, 4, 4, 8, 8, 8, 8, 11, 11, 11 }, layouts);
    }

    /// <summary>Half of the length, or half of the slots, must have been enough in 64 consecutive passes.</summary>
    [TestMethod]
    [DataRow(128, 2, 64, 1, 64, 1, DisplayName = "Half of the length and of the slots")]
    [DataRow(128, 1, 64, 1, 64, 1, DisplayName = "Half of the length")]
    [DataRow(64, 4, 64, 2, 64, 2, DisplayName = "Half of the slots")]
    [DataRow(192, 3, 128, 2, 192, 3, DisplayName = "More than half of both")]
    public void Prepare_HalfTheCacheForManyPasses_Shrinks(int length, int count, int laterLength, int laterCount, int expectedLength, int expectedSlots)
    {
        CacheSlots slots = NewSlots();
        SequenceState[] first = [.. Enumerable.Range(0, count).Select(_ => NewState(length))], later = [.. Enumerable.Range(0, laterCount).Select(_ => NewState(laterLength))];
        slots.Prepare(first);
        foreach (SequenceState state in first)
            slots.Release(state);
        for (int pass = 0; pass < MemoryBounds.PassesBeforeShrinking - 1; pass++)
            slots.Prepare(later);
        Assert.AreEqual(new CacheLayout(count, length), _cache.Layout);
        slots.Prepare(later);
        Assert.AreEqual(new CacheLayout(expectedSlots, expectedLength), _cache.Layout);
    }

    [TestMethod]
    public void Prepare_LongSequenceBetween_StartsCountingAgain()
    {
        CacheSlots slots = NewSlots();
        SequenceState shortOne = NewState(20), longOne = NewState(200);
        for (int round = 0; round < 3; round++)
        {
            slots.Prepare([shortOne, longOne]);
            slots.Release(longOne);
            for (int pass = 0; pass < MemoryBounds.PassesBeforeShrinking - 1; pass++)
                slots.Prepare([shortOne]);
        }

        Assert.AreEqual((1, 256), (_resized, _cache.Layout.Length));
    }

    /// <summary>After it shrank to what was needed, the count starts again.</summary>
    [TestMethod]
    public void Prepare_AfterShrinking_DoesNotResizeAgainAtOnce()
    {
        CacheSlots slots = NewSlots();
        SequenceState[] states = [.. Enumerable.Range(0, 8).Select(_ => NewState(20))];
        slots.Prepare(states);
        foreach (SequenceState state in states[4..])
            slots.Release(state);
        for (int pass = 0; pass < MemoryBounds.PassesBeforeShrinking; pass++)
            slots.Prepare(states.AsSpan(0, 4));
        Assert.AreEqual((2, 4), (_resized, _cache.Layout.Slots));
        foreach (SequenceState state in states[1..4])
            slots.Release(state);
        for (int pass = 0; pass < MemoryBounds.PassesBeforeShrinking - 1; pass++)
            slots.Prepare(states.AsSpan(0, 1));
        Assert.AreEqual((2, 4), (_resized, _cache.Layout.Slots));
    }

    /// <summary>Slots that move, and caches that grow or shrink, keep the keys and values.</summary>
    [TestMethod]
    public void Prepare_SlotsMoved_KeepTheirContent()
    {
        CacheSlots slots = NewSlots();
        SequenceState[] states = [.. Enumerable.Range(0, 6).Select(_ => NewState(20))];
        slots.Prepare(states);
        for (int i = 0; i < states.Length; i++)
            _cache.Write(0, slots.Find(states[i])!.Index, [5], [i + 1]);
        SequenceState[] left = [states[1], states[4], states[5]];
        foreach (SequenceState state in states.Except(left))
            slots.Release(state);
        slots.Prepare(left.AsSpan(0, 1));
        AssertContent(slots, (states[1], 2), (states[4], 5), (states[5], 6));
        CollectionAssert.AreEquivalent(new[] { 0, 1, 2 }, left.Select(state => slots.Find(state)!.Index).ToArray());
        for (int pass = 0; pass < MemoryBounds.PassesBeforeShrinking; pass++)
            slots.Prepare(left);
        Assert.AreEqual(3, _cache.Layout.Slots);
        AssertContent(slots, (states[1], 2), (states[4], 5), (states[5], 6));
        slots.Prepare([NewState(100)]);
        Assert.AreEqual(new CacheLayout(6, 128), _cache.Layout);
        AssertContent(slots, (states[1], 2), (states[4], 5), (states[5], 6));
    }

    /// <summary>The pass after a failed resize begins with an empty cache.</summary>
    [TestMethod]
    public void Prepare_AfterAFailedResize_EncodesAllAgain()
    {
        var cache = new FailingCache(_cache);
        var slots = new CacheSlots(cache, RoundedUp(512), long.MaxValue, () => _resized++);
        SequenceState state = NewState(20), other = NewState(20);
        slots.Prepare([state]);
        slots.Find(state)!.MarkCached(0);
        cache.Fails = true;
        Assert.ThrowsExactly<InsufficientMemoryException>(() => slots.Prepare([state, other]));
        Assert.AreEqual(0, slots.Count);
        Assert.IsNull(slots.Find(state));
        slots.Prepare([other, state]);
        Assert.AreEqual((0, 1), (slots.Find(other)!.Index, slots.Find(state)!.Index));
        Assert.AreEqual(0, slots.Find(state)!.FirstUncached());
    }

    [TestMethod]
    public void Prepare_OtherLengths_AdaptsTheLayout()
    {
        CacheSlots slots = NewSlots(maxTokens: 10_000);
        SequenceState shortOne = NewState(20), longOne = NewState(500);
        slots.Prepare([shortOne]);
        Assert.AreEqual(64, _cache.Layout.Length);
        slots.Prepare([shortOne, longOne]);
        Assert.AreEqual(512, _cache.Layout.Length);
        slots.Release(longOne);
        for (int pass = 1; pass < MemoryBounds.PassesBeforeShrinking; pass++)
            slots.Prepare([shortOne]);
        Assert.AreEqual(512, _cache.Layout.Length, "The cache does not shrink at once.");
        slots.Prepare([shortOne]);
        Assert.AreEqual(64, _cache.Layout.Length, "The cache shrinks after a number of passes.");
    }

    /// <summary>A change of the layout copies the cache and releases all tensors.</summary>
    [TestMethod]
    public void Prepare_AlternatingLengths_ResizesTheCacheOnce()
    {
        CacheSlots slots = NewSlots(maxTokens: 10_000);
        for (int pass = 0; pass < 200; pass++)
        {
            SequenceState state = NewState(pass % 2 == 0 ? 20 : 500);
            slots.Prepare([state]);
            slots.Release(state);
        }

        Assert.AreEqual(2, _resized);
    }

    [TestMethod]
    public void Prepare_FewAfterMany_ShrinksTheCache()
    {
        CacheSlots slots = NewSlots(maxLength: 64, maxTokens: 10_000);
        SequenceState[] states = [.. Enumerable.Range(0, 16).Select(_ => NewState(20))];
        slots.Prepare(states);
        Assert.AreEqual(16, _cache.Layout.Slots);
        foreach (SequenceState state in states[1..])
            slots.Release(state);
        for (int pass = 0; pass < MemoryBounds.PassesBeforeShrinking; pass++)
            slots.Prepare([states[0]]);
        Assert.AreEqual(1, _cache.Layout.Slots);
    }

    [TestMethod]
    public void Release_LastSequence_FreesALargeCache()
    {
        CacheSlots slots = NewSlots(maxLength: 64, maxTokens: 10_000, retainedTokens: 3 * 64);
        SequenceState[] states = [.. Enumerable.Range(0, 4).Select(_ => NewState(20))];
        slots.Prepare(states.AsSpan(0, 3));
        foreach (SequenceState state in states)
            slots.Release(state);
        Assert.AreEqual(new CacheLayout(3, 64), _cache.Layout, "A small cache is retained.");
        slots.Prepare(states);
        slots.Release(states[1]);
        Assert.AreEqual(6, _cache.Layout.Slots, "Other sequences have slots.");
        foreach (SequenceState state in states)
            slots.Release(state);
        Assert.AreEqual(default, _cache.Layout);
        slots.Prepare(states.AsSpan(0, 1));
        Assert.AreEqual(new CacheLayout(1, 64), _cache.Layout);
    }

    /// <summary>The tensors over the cache are released before its memory is.</summary>
    [TestMethod]
    public void Release_LastOfALargeCache_AnnouncesIt()
    {
        CacheSlots slots = NewSlots(retainedTokens: 63);
        SequenceState state = NewState(20);
        slots.Prepare([state]);
        slots.Release(state);
        Assert.AreEqual((default, 2), (_cache.Layout, _resized));
        slots.Release(state);
        Assert.AreEqual(2, _resized);
        slots.Prepare([state]);
        Assert.AreEqual(0, slots.Find(state)!.Index);
    }

    /// <summary>Slot lengths that are multiples of 64 up to a maximum.</summary>
    internal static Func<int, int> RoundedUp(int maxLength) => length => Math.Min(maxLength, (length + 63) / 64 * 64);

    private CacheSlots NewSlots(int maxLength = 512, long maxTokens = long.MaxValue, long retainedTokens = long.MaxValue) =>
        new(_cache, RoundedUp(maxLength), maxTokens, () => _resized++, retainedTokens);

    private void AssertContent(CacheSlots slots, params (SequenceState State, float Value)[] expected)
    {
        foreach ((SequenceState state, float value) in expected)
        {
            using OrtValue tensor = _cache.Tensor(0, slots.Find(state)!.Index, 1);
            Assert.AreEqual(value, tensor.GetTensorDataAsSpan<float>()[5]);
        }
    }

    /// <summary>A sequence with one given token.</summary>
    internal static SequenceState NewState(int length, int known = 1)
    {
        var state = new SequenceState(Order.LeftToRight([true, .. new bool[length - 1]]), new int[length], 4, 1);
        state.BeginForwardPass(known);
        state.AddQuery(new Conditional(known, 1));
        return state;
    }
}
