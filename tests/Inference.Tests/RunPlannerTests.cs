using AsArm.Assd;

namespace AsArm.Inference.Tests;

/// <summary>Which sequences share a run: what padding costs against what a run costs.</summary>
[TestClass]
public sealed class RunPlannerTests
{
    private readonly CacheSlots _slots = new(new HostKeyValueCache(2, 2, 4), 512, long.MaxValue, () => { });
    private readonly RunPlanner _planner = new(heads: 12);

    [TestMethod]
    public void Plan_CachedSequences_ShareARunWithAFreshOneOfFewRows()
    {
        SequenceCall[] cached = Cached(4, given: 100);
        CachedRun run = Plan([.. cached, NewCall(given: 6)]).Single();
        Assert.AreEqual(new CachedShape(0, 5, 512, 6, 1), run.Shape);
    }

    [TestMethod]
    public void Plan_LongPrompt_IsARunOfItsOwnWithoutAPast()
    {
        SequenceCall[] cached = Cached(4, given: 100);
        CachedRun[] runs = Plan([NewCall(given: 200), .. cached]);
        Assert.HasCount(2, runs);
        Assert.AreEqual(4, runs[0].Shape.Batch);
        Assert.AreEqual(CachedShape.Fresh(200, 1), runs[1].Shape);
    }

    [TestMethod]
    public void Plan_FreshSequences_ShareARunIfTheyAreAlike()
    {
        Assert.AreEqual(CachedShape.Fresh(34, 1) with { Batch = 3 }, Plan([NewCall(30), NewCall(34), NewCall(32)]).Single().Shape);
        Assert.HasCount(2, Plan([NewCall(30), NewCall(90), NewCall(32)]));
    }

    [TestMethod]
    public void Plan_SlotsThatTakeNoPart_AreSkippedIfThereAreMany()
    {
        SequenceCall[] cached = Cached(60, given: 20);
        Assert.HasCount(1, Plan([cached[0], cached[2]]));
        CachedRun[] runs = Plan([cached[0], cached[1], cached[50]]);
        CollectionAssert.AreEqual(new[] { (0, 2), (50, 1) }, runs.Select(run => (run.Shape.FirstSlot, run.Shape.Batch)).ToArray());
    }

    [TestMethod]
    public void Plan_VeryManySequences_BoundsTheMemoryOfARun()
    {
        CachedRun[] runs = Plan([.. Enumerable.Range(0, 300).Select(_ => NewCall(60))]);
        Assert.IsGreaterThan(2, runs.Length);
        Assert.AreEqual(300, runs.Sum(run => run.To - run.From));
        Assert.IsLessThanOrEqualTo(1 << 22, runs.Max(run => run.Shape.Batch * 12 * 61 * 61));
    }

    /// <summary>16 texts with a gap of 500 tokens, filled in one call, at the size of XLNet-base: a run of all would take a gigabyte of logits.</summary>
    [TestMethod]
    public void Plan_ManyLogits_BoundsTheBuffersOfARun()
    {
        ModelManifest manifest = ModelFolder.Open(Files.Tiny).Manifest with { VocabularySize = 32_000, Layers = 12, Heads = 12, ModelDimension = 768, MaximumLength = 512 };
        long content = MemoryBounds.ContentBytes(manifest), targets = MemoryBounds.TargetBytes(manifest);
        var planner = new RunPlanner(12, content, targets);
        SequenceCall[] calls = [.. Enumerable.Range(0, 16).Select(_ => NewCall(6, 500))];
        _slots.Prepare(calls);
        planner.Plan(calls, _slots, past: 512);
        CachedRun[] runs = planner.Runs.ToArray();
        Assert.AreEqual(16, runs.Sum(run => run.To - run.From));
        Assert.IsLessThanOrEqualTo(MemoryBounds.KeptBytes, runs.Max(run => run.Shape.Batch * (run.Shape.Content * content + run.Shape.Targets * targets)));
    }

    /// <summary>Sequences whose given tokens are in the cache, with nothing new.</summary>
    private SequenceCall[] Cached(int count, int given)
    {
        SequenceCall[] calls = [.. Enumerable.Range(0, count).Select(_ => NewCall(given))];
        _slots.Prepare(calls);
        foreach (SequenceCall call in calls)
            _slots.Find(call)!.Note(0);
        return calls;
    }

    private CachedRun[] Plan(SequenceCall[] calls)
    {
        _slots.Prepare(calls);
        _planner.Plan(calls, _slots, past: 512);
        return _planner.Runs.ToArray();
    }

    private static SequenceCall NewCall(int given, int targets = 1)
    {
        bool[] isGiven = [.. Enumerable.Repeat(true, given), .. new bool[targets]];
        var call = new SequenceCall(Order.LeftToRight(isGiven), new int[given + targets], 64, targets);
        call.Begin(given);
        for (int i = 0; i < targets; i++)
            call.Ask(new Conditional(given + i, given));
        return call;
    }
}
