using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Inference.Onnx.Cached;

namespace AsArm.Inference.Tests.Onnx.Cached;

/// <summary>Which ranks of a sequence are cached.</summary>
[TestClass]
public sealed class CacheSlotTests
{
    private readonly CacheSlots _slots = new(new HostKeyValueCache<float>(2, 2, 4), CacheSlotsTests.RoundedUp(64), 1000, () => { });

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

    /// <summary>Ranks before those of the run stay cached.</summary>
    [TestMethod]
    public void Forget_Ranks_CountsEarlierOnesOnly()
    {
        var state = new SequenceState(Order.LeftToRight([true, true, false, false]), new int[4], 64, 1);
        state.BeginForwardPass(4);
        var slot = new CacheSlot(state, 0);
        slot.MarkCached(0);
        slot.Forget(3);
        Assert.AreEqual((3, 3), (slot.CachedCount, slot.FirstUncached()));
        slot.Forget(4);
        Assert.AreEqual(3, slot.CachedCount, "Nothing is cached that was not.");
        slot.Forget(0);
        Assert.AreEqual((0, 0), (slot.CachedCount, slot.FirstUncached()));
    }

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
}
