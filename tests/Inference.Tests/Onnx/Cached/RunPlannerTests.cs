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
    private readonly CacheSlots _slots = new(new HostKeyValueCache(2, 2, 4), 512, long.MaxValue, () => { });
    private readonly RunPlanner _planner = new(heads: 12);

    [TestMethod]
    public void Plan_CachedSequences_ShareARunWithAShortFreshOne()
    {
        SequenceState[] cached = Cached(4, given: 100);
        CachedRun run = Plan([.. cached, NewState(given: 6)]).Single();
        Assert.AreEqual(new CachedShape(0, 5, 512, 6, 1), run.Shape);
    }

    [TestMethod]
    public void Plan_LongPrompt_HasItsOwnRunWithoutAPast()
    {
        SequenceState[] cached = Cached(4, given: 100);
        CachedRun[] runs = Plan([NewState(given: 200), .. cached]);
        Assert.HasCount(2, runs);
        Assert.AreEqual(4, runs[0].Shape.Batch);
        Assert.AreEqual(CachedShape.Fresh(200, 1), runs[1].Shape);
    }

    [TestMethod]
    public void Plan_FreshSequences_ShareARunIfSimilar()
    {
        Assert.AreEqual(CachedShape.Fresh(34, 1) with { Batch = 3 }, Plan([NewState(30), NewState(34), NewState(32)]).Single().Shape);
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
        Assert.IsLessThanOrEqualTo(1 << 22, runs.Max(run => run.Shape.Batch * 12 * 61 * 61));
    }

    /// <summary>16 texts with a gap of 500 tokens in one pass, at XLNet-base size: a single run would need 1 GB of logits.</summary>
    [TestMethod]
    public void Plan_ManyLogits_BoundsTheBuffersOfARun()
    {
        ModelManifest manifest = ModelFolder.Open(Files.Tiny).Manifest with { VocabularySize = 32_000, Layers = 12, Heads = 12, ModelDimension = 768, MaxLength = 512 };
        long content = MemoryBounds.ContentBytes(manifest), targets = MemoryBounds.TargetBytes(manifest);
        var planner = new RunPlanner(12, content, targets);
        SequenceState[] states = [.. Enumerable.Range(0, 16).Select(_ => NewState(6, 500))];
        _slots.Prepare(states);
        planner.Plan(states, _slots, past: 512);
        CachedRun[] runs = planner.Runs.ToArray();
        Assert.AreEqual(16, runs.Sum(run => run.To - run.From));
        Assert.IsLessThanOrEqualTo(MemoryBounds.RetainedBytes, runs.Max(run => run.Shape.Batch * (run.Shape.Content * content + run.Shape.Targets * targets)));
    }

    /// <summary>Sequences whose given tokens are all cached.</summary>
    private SequenceState[] Cached(int count, int given)
    {
        SequenceState[] states = [.. Enumerable.Range(0, count).Select(_ => NewState(given))];
        _slots.Prepare(states);
        foreach (SequenceState state in states)
            _slots.Find(state)!.MarkCached(0);
        return states;
    }

    private CachedRun[] Plan(SequenceState[] states)
    {
        _slots.Prepare(states);
        _planner.Plan(states, _slots, past: 512);
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
