using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.Cached;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Tests.Support;

namespace AsArm.Inference.Tests.Onnx.Cached;

/// <summary>Which sequences share a run, by the cost of padding against that of a run.</summary>
[TestClass]
public sealed class RunPlannerTests
{
    private readonly CacheSlots _slots = new(new HostKeyValueCache<float>(2, 2, 4), CacheSlotsTests.RoundedUp(512), long.MaxValue, () => { });
    private readonly RunPlanner _planner = new(heads: 12);

    [TestMethod]
    public void Plan_CachedSequences_ShareARunWithAShortFreshOne()
    {
        SequenceState[] cached = Cached(4, given: 100);
        CachedRun run = Plan([.. cached, NewState(given: 6)]).Single();
        Assert.AreEqual(new CachedShape(0, 5, 512, 6, 1), run.Shape);
    }

    [TestMethod]
    public void Plan_LongPrompt_HasItsOwnRun()
    {
        SequenceState[] cached = Cached(4, given: 100);
        CachedRun[] runs = Plan([NewState(given: 200), .. cached]);
        Assert.HasCount(2, runs);
        Assert.AreEqual(4, runs[0].Shape.Batch);
        Assert.AreEqual(new CachedShape(4, 1, 512, 200, 1), runs[1].Shape);
    }

    /// <summary>A slot of a long prompt between those of cached sequences is idle in their run.</summary>
    [TestMethod]
    public void Plan_LongPromptBetweenCachedSequences_DoesNotPadThem()
    {
        SequenceState[] before = Cached(2, given: 100);
        SequenceState fresh = NewState(given: 200);
        _slots.Prepare([fresh]);
        CachedRun[] runs = Plan([fresh, .. Cached(1, given: 100), .. before]);
        CollectionAssert.AreEqual(new[] { new CachedShape(0, 4, 512, 1, 1), new CachedShape(2, 1, 512, 200, 1) }, runs.Select(run => run.Shape).ToArray());
        Assert.AreEqual(3, runs[0].BatchIndexOf(2, _planner.Sequences[2].Slot));
        Assert.AreEqual(0, runs[1].BatchIndexOf(3, _planner.Sequences[3].Slot));
    }

    [TestMethod]
    public void Plan_FreshSequences_ShareARunIfSimilar()
    {
        Assert.AreEqual(new CachedShape(0, 3, 512, 34, 1), Plan([NewState(30), NewState(34), NewState(32)]).Single().Shape);
        Assert.HasCount(2, Plan([NewState(30), NewState(90), NewState(32)]));
    }

    [TestMethod]
    public void Plan_ManySlotsNotInThePass_AreSkipped()
    {
        SequenceState[] cached = Cached(60, given: 20);
        Assert.HasCount(1, Plan([cached[0], cached[2]]));
        CachedRun[] runs = Plan([cached[0], cached[1], cached[50]]);
        CollectionAssert.AreEqual(new[] { (0, 2), (50, 1) }, runs.Select(run => (run.Shape.FirstSlot, run.Shape.Batch)).ToArray());
    }

    [TestMethod]
    public void Plan_VeryManySequences_BoundsTheMemoryOfARun()
    {
        CachedRun[] runs = Plan([.. Enumerable.Range(0, 300).Select(_ => NewState(60))]);
        Assert.IsGreaterThan(2, runs.Length);
        Assert.AreEqual(300, runs.Sum(run => run.To - run.From));
        Assert.IsLessThanOrEqualTo(1 << 22, runs.Max(run => run.Shape.Batch * 12 * 512 * 61));
    }

    /// <summary>Four cached sequences are padded by what a fresh one has more, which may cost up to 32 processed tokens, as a run does.</summary>
    [TestMethod]
    [DataRow(9, 1)]
    [DataRow(10, 2)]
    public void Plan_FreshAmongCached_SharesTheirRunUpToTheCostOfOne(int given, int runs) =>
        Assert.HasCount(runs, Plan([.. Cached(4, given: 100), NewState(given)]));

    [TestMethod]
    public void Plan_SeveralFreshAmongCached_CountsThePaddingOnce() =>
        Assert.AreEqual(new CachedShape(0, 6, 512, 12, 1), Plan([.. Cached(4, given: 100), NewState(12), NewState(9)]).Single().Shape);

    /// <summary>A sequence without a slot cannot be in a run over the cache.</summary>
    [TestMethod]
    public void Plan_SequenceWithoutASlot_RunsInScratchMemory()
    {
        var slots = new CacheSlots(new HostKeyValueCache<float>(2, 2, 4), CacheSlotsTests.RoundedUp(64), 2 * 64, () => { });
        SequenceState[] states = [NewState(20), NewState(20), NewState(6)];
        slots.Prepare(states.AsSpan(0, 2));
        foreach (SequenceState state in states[..2])
            slots.Find(state)!.MarkCached(0);
        slots.Prepare(states);
        Assert.IsNull(slots.Find(states[2]));
        _planner.Plan(states.AsSpan(0, 2), slots, past: 64, scratchPast: 80);
        Assert.AreEqual(0, _planner.ScratchSlots);
        _planner.Plan(states, slots, past: 64, scratchPast: 80);
        Assert.AreEqual(1, _planner.ScratchSlots);
        CollectionAssert.AreEqual(
            new[] { new CachedShape(0, 2, 64, 1, 1), new CachedShape(0, 1, 80, 6, 1, IsScratch: true) }, _planner.Runs.ToArray().Select(run => run.Shape).ToArray());
    }

    /// <summary>A slot between others that is not in the pass costs two processed tokens here.</summary>
    [TestMethod]
    [DataRow(17, 1)]
    [DataRow(18, 2)]
    public void Plan_SlotsBetween_ArePaddingUpToTheCostOfARun(int other, int runs)
    {
        SequenceState[] cached = Cached(20, given: 20);
        Assert.HasCount(runs, Plan([cached[0], cached[other]]));
    }

    [TestMethod]
    public void Plan_LaterSlots_BeginsAtTheFirstOfThem()
    {
        SequenceState[] cached = [.. Cached(4, given: 20), .. Cached(1, given: 20, targets: 3)];
        CachedRun run = Plan([cached[4], cached[2]]).Single();
        Assert.AreEqual(new CachedShape(2, 3, 512, 1, 3), run.Shape);
        Assert.AreEqual((0, 2), (run.From, run.To));
        Assert.AreSame(cached[2], _planner.Sequences[0].State);
    }

    /// <summary>Padding of all sequences of a run may cost 32 processed tokens, whether they differ in content positions or in queries.</summary>
    [TestMethod]
    [DataRow(new[] { 33, 1, 1, 1 }, new[] { 2 })]
    [DataRow(new[] { 34, 1, 1, 1 }, new[] { 1, 1 })]
    [DataRow(new[] { 10, 1, 30, 1, 20, 1 }, new[] { 3 })]
    [DataRow(new[] { 7, 1, 30, 1, 20, 1 }, new[] { 2, 1 })]
    [DataRow(new[] { 17, 1, 1, 17 }, new[] { 2 })]
    [DataRow(new[] { 18, 1, 1, 18 }, new[] { 1, 1 })]
    [DataRow(new[] { 11, 1, 11, 1, 1, 11 }, new[] { 3 })]
    [DataRow(new[] { 12, 1, 12, 1, 1, 12 }, new[] { 2, 1 })]
    [DataRow(new[] { 2, 40, 60, 1, 2, 20 }, new[] { 1, 2 })]
    [DataRow(new[] { 15, 10, 20, 10, 18, 10 }, new[] { 3 })]
    [DataRow(new[] { 20, 10, 15, 10 }, new[] { 2 })]
    public void Plan_FreshSequences_ShareARunUpToItsCostInPadding(int[] givenAndTargets, int[] batches)
    {
        CachedRun[] runs = Plan([.. givenAndTargets.Chunk(2).Select(sizes => NewState(sizes[0], sizes[1]))]);
        CollectionAssert.AreEqual(batches, runs.Select(run => run.Shape.Batch).ToArray());
        int[] lengths = [.. _planner.Sequences.ToArray().Select(sequence => sequence.Content + sequence.Targets)];
        CollectionAssert.AreEqual(lengths.OrderDescending().ToArray(), lengths, "The longest is first.");
        foreach (CachedRun run in runs)
        {
            PlannedSequence[] sequences = _planner.Sequences[run.From..run.To].ToArray();
            Assert.AreEqual(
                (run.Shape.Batch, run.Shape.Content, run.Shape.Targets),
                (sequences.Length, sequences.Max(sequence => sequence.Content), sequences.Max(sequence => sequence.Targets)));
        }
    }

    /// <summary>Sequences in scratch memory have no order of slots: the longest are first, and slots are counted from 0 in each run.</summary>
    [TestMethod]
    public void Plan_WithoutMemory_GroupsSequencesOfSimilarLength()
    {
        _planner.Plan([NewState(9), NewState(60), NewState(8), NewState(59), NewState(10)], WithoutMemory, past: 0, scratchPast: 80);
        CachedRun[] runs = _planner.Runs.ToArray();
        CollectionAssert.AreEqual(
            new[] { new CachedShape(0, 2, 80, 60, 1, IsScratch: true), new CachedShape(0, 3, 80, 10, 1, IsScratch: true) }, runs.Select(run => run.Shape).ToArray());
        Assert.AreEqual(3, _planner.ScratchSlots);
        Assert.AreEqual((0, 2), (runs[1].BatchIndexOf(2, null), runs[1].BatchIndexOf(4, null)));
    }

    /// <summary>Keys and values in scratch memory count as buffers: here 1 MiB a position, and 64 MiB are the limit.</summary>
    [TestMethod]
    [DataRow(32, 1)]
    [DataRow(33, 2)]
    public void Plan_ScratchMemory_IsBounded(int scratchPast, int runs)
    {
        var planner = new RunPlanner(1, scratchBytes: 1 << 20);
        planner.Plan([NewState(5), NewState(5)], WithoutMemory, past: 0, scratchPast);
        Assert.AreEqual(runs, planner.Runs.Length);
        planner = new RunPlanner(1, scratchBytes: 1 << 20);
        SequenceState[] withSlots = [NewState(5), NewState(5)];
        _slots.Prepare(withSlots);
        planner.Plan(withSlots, _slots, past: 512, scratchPast);
        Assert.AreEqual(1, planner.Runs.Length, "The memory of slots has its own limit.");
    }

    /// <summary>On a device padding to powers of two counts: 256 MiB are the limit, here with queries of 1 MiB.</summary>
    [TestMethod]
    [DataRow(64, 4, 1)]
    [DataRow(64, 5, 2)]
    [DataRow(65, 2, 1)]
    [DataRow(65, 3, 2)]
    public void Plan_BuffersOnADevice_AreBoundedWithTheirPadding(int targets, int count, int runs)
    {
        var planner = new RunPlanner(1, targetBytes: 1 << 20, limits: RunLimits.Gpu);
        planner.Plan([.. Enumerable.Range(0, count).Select(_ => NewState(5, targets))], WithoutMemory, past: 0, scratchPast: 16);
        Assert.AreEqual(runs, planner.Runs.Length);
        foreach (CachedRun run in planner.Runs)
            Assert.IsLessThanOrEqualTo(256, run.Shape.Batch * run.Shape.Targets);
    }

    /// <summary>On a device a batch of 3 is padded to 4 where there are 4 slots; scratch memory grows.</summary>
    [TestMethod]
    [DataRow(3, 3)]
    [DataRow(4, 4)]
    [DataRow(8, 4)]
    public void Plan_BatchOnADevice_IsPaddedWithinTheSlots(int slotCount, int batch)
    {
        var planner = new RunPlanner(1, limits: RunLimits.Gpu);
        SequenceState[] states = [.. Enumerable.Range(0, 3).Select(_ => NewState(5))];
        planner.Plan(states, WithoutMemory, past: 0, scratchPast: 16, slotCount);
        Assert.AreEqual(4, planner.Runs[0].Shape.Batch);
        _slots.Prepare(states);
        planner.Plan(states, _slots, past: 512, scratchPast: 16, slotCount);
        Assert.AreEqual(batch, planner.Runs[0].Shape.Batch);
    }

    /// <summary>2 * 2 * 1024 * 1024 attention scores are the limit.</summary>
    [TestMethod]
    [DataRow(2, 1023, 1, 2, 1)]
    [DataRow(2, 1023, 1, 3, 2)]
    [DataRow(3, 1023, 1, 2, 2)]
    [DataRow(2, 1023, 2, 2, 2)]
    public void Plan_AttentionScores_AreBounded(int heads, int given, int targets, int count, int runs)
    {
        var planner = new RunPlanner(heads);
        planner.Plan([.. Enumerable.Range(0, count).Select(_ => NewState(given, targets))], WithoutMemory, past: 0, scratchPast: 1024);
        Assert.AreEqual(runs, planner.Runs.Length);
    }

    /// <summary>Buffers of 64 MiB are the limit, here with sizes in MiB.</summary>
    [TestMethod]
    [DataRow(1, 0, 32, 5, 1)]
    [DataRow(1, 0, 33, 5, 2)]
    [DataRow(0, 1, 5, 32, 1)]
    [DataRow(0, 1, 5, 33, 2)]
    [DataRow(1, 3, 8, 8, 1)]
    [DataRow(1, 3, 9, 8, 2)]
    public void Plan_Buffers_AreBounded(int contentSize, int targetSize, int given, int targets, int runs)
    {
        var planner = new RunPlanner(1, (long)contentSize << 20, (long)targetSize << 20);
        planner.Plan([NewState(given, targets), NewState(given, targets)], WithoutMemory, past: 0, scratchPast: 64);
        Assert.AreEqual(runs, planner.Runs.Length);
    }

    [TestMethod]
    public void Plan_BuffersOfCachedSequences_AreBounded()
    {
        SequenceState[] cached = Cached(4, given: 20);
        _slots.Prepare(cached);
        var planner = new RunPlanner(1, contentBytes: 20 << 20);
        planner.Plan(cached, _slots, past: 512, scratchPast: 512);
        CollectionAssert.AreEqual(new[] { 3, 1 }, planner.Runs.ToArray().Select(run => run.Shape.Batch).ToArray());
    }

    [TestMethod]
    public void Plan_Again_ForgetsTheLastPass()
    {
        SequenceState[] cached = Cached(2, given: 20);
        Assert.HasCount(2, Plan([cached[0], cached[1], NewState(200)]));
        Assert.HasCount(1, Plan([cached[1]]));
        Assert.AreEqual(1, _planner.Sequences.Length);
        _planner.Clear();
        Assert.AreEqual((0, 0), (_planner.Sequences.Length, _planner.Runs.Length));
    }

    /// <summary>16 texts with a gap of 500 tokens in one pass, at XLNet-base size: a single run would need 1 GB of logits.</summary>
    [TestMethod]
    public void Plan_ManyLogits_BoundsTheBuffersOfARun()
    {
        ModelManifest manifest = ModelFolder.Open(Files.Tiny).Manifest with { VocabularySize = 32_000, Layers = 12, Heads = 12, ModelDimension = 768, MaxLength = 512 };
        long content = new TwoPartFormat(manifest).ContentBytes, targets = MemoryBounds.TargetBytes(manifest);
        var planner = new RunPlanner(12, content, targets);
        SequenceState[] states = [.. Enumerable.Range(0, 16).Select(_ => NewState(6, 500))];
        _slots.Prepare(states);
        planner.Plan(states, _slots, past: 512, scratchPast: 512);
        CachedRun[] runs = planner.Runs.ToArray();
        Assert.AreEqual(16, runs.Sum(run => run.To - run.From));
        Assert.IsLessThanOrEqualTo(MemoryBounds.RetainedBytes, runs.Max(run => run.Shape.Batch * (run.Shape.Content * content + run.Shape.Targets * targets)));
    }

    private static CacheSlots WithoutMemory => new(new HostKeyValueCache<float>(2, 2, 4), CacheSlotsTests.RoundedUp(4096), 0, () => { });

    /// <summary>Sequences whose given tokens are all cached.</summary>
    private SequenceState[] Cached(int count, int given, int targets = 1)
    {
        SequenceState[] states = [.. Enumerable.Range(0, count).Select(_ => NewState(given, targets))];
        _slots.Prepare(states);
        foreach (SequenceState state in states)
            _slots.Find(state)!.MarkCached(0);
        return states;
    }

    private CachedRun[] Plan(SequenceState[] states)
    {
        _slots.Prepare(states);
        _planner.Plan(states, _slots, past: 512, scratchPast: 512);
        return _planner.Runs.ToArray();
    }

    private static SequenceState NewState(int given, int targets = 1)
    {
        bool[] isGiven = [.. Enumerable.Repeat(true, given), .. new bool[targets]];
        var state = new SequenceState(Order.LeftToRight(isGiven), new int[given + targets], 64, targets);
        state.BeginForwardPass(given);
        for (int i = 0; i < targets; i++)
            state.AddQuery(new Conditional(given + i, given));
        return state;
    }
}
