using System.Runtime.InteropServices;
using AsArm.Assd.Models;

namespace AsArm.Inference.Onnx.Cached;

/// <summary>
/// Divides the sequences of a forward pass into runs of the graph. All sequences of a run are padded to the same number of content and query
/// positions, and their slots must be consecutive. The plan balances the cost of padding against that of another run; it does not change the logits.
/// </summary>
/// <param name="heads">Attention heads, for the size of the attention scores.</param>
/// <param name="contentBytes">Size of the buffers per content position, in bytes.</param>
/// <param name="targetBytes">Size of the buffers per query position, in bytes.</param>
/// <param name="scratchBytes">Size of the keys and values per position of scratch memory, in bytes.</param>
/// <param name="limits">What a run costs and may take; null for a CPU.</param>
internal sealed class RunPlanner(int heads, long contentBytes = 0, long targetBytes = 0, long scratchBytes = 0, RunLimits? limits = null)
{
    private static readonly Comparison<PlannedSequence> s_bySlot = (one, other) => one.Slot!.Index.CompareTo(other.Slot!.Index);
    private static readonly Comparison<PlannedSequence> s_longestFirst = (one, other) => other.Tokens.CompareTo(one.Tokens);
    private readonly RunLimits _limits = limits ?? RunLimits.Cpu;
    private readonly List<PlannedSequence> _sequences = [];
    private readonly List<CachedRun> _runs = [];
    private readonly List<PlannedSequence> _fresh = [];
    private readonly List<PlannedSequence> _withoutSlot = [];

    /// <summary>The sequences of the pass, in the order of the runs.</summary>
    public ReadOnlySpan<PlannedSequence> Sequences => CollectionsMarshal.AsSpan(_sequences);

    /// <summary>Number of slots of scratch memory that the runs need.</summary>
    public int ScratchSlots
    {
        get
        {
            int slots = 0;
            foreach (CachedRun run in Runs)
                slots = Math.Max(slots, run.Shape.IsScratch ? run.Shape.Batch : 0);
            return slots;
        }
    }

    /// <summary>The runs; each sequence is in exactly one.</summary>
    public ReadOnlySpan<CachedRun> Runs => CollectionsMarshal.AsSpan(_runs);

    /// <summary>Plans the runs of a pass; allocates nothing once it has planned one of this size.</summary>
    /// <param name="states">The sequences.</param>
    /// <param name="slots">Their slots, prepared for this pass.</param>
    /// <param name="past">Number of positions of a slot.</param>
    /// <param name="scratchPast">Number of positions of a slot of scratch memory, for sequences without a slot in the cache.</param>
    /// <param name="slotCount">Number of slots of the cache, which padding may use all.</param>
    public void Plan(ReadOnlySpan<SequenceState> states, CacheSlots slots, int past, int scratchPast, int slotCount = int.MaxValue)
    {
        Collect(states, slots);
        MergeFresh();
        CollectionsMarshal.AsSpan(_sequences).Sort(s_bySlot);
        for (int from = 0; from < _sequences.Count; from = _runs[^1].To)
            _runs.Add(CachedFrom(from, past));
        AddSimilar(_fresh, s_bySlot, past);
        AddSimilar(_withoutSlot, s_longestFirst, scratchPast);
        foreach (ref CachedRun run in CollectionsMarshal.AsSpan(_runs))
            run = run with { Shape = _limits.Round(run.Shape, run.Shape.IsScratch ? int.MaxValue : slotCount) };
    }

    /// <summary>Drops the references to the sequences.</summary>
    public void Clear()
    {
        _sequences.Clear();
        _fresh.Clear();
        _withoutSlot.Clear();
        _runs.Clear();
    }

    private void Collect(ReadOnlySpan<SequenceState> states, CacheSlots slots)
    {
        Clear();
        foreach (SequenceState state in states)
        {
            CacheSlot? slot = slots.Find(state);
            var sequence = new PlannedSequence(state, slot, slot?.FirstUncached() ?? 0);
            (slot is null ? _withoutSlot : sequence.IsFresh ? _fresh : _sequences).Add(sequence);
        }
    }

    private void AddSimilar(List<PlannedSequence> sequences, Comparison<PlannedSequence> order, int past)
    {
        CollectionsMarshal.AsSpan(sequences).Sort(order);
        int from = _sequences.Count;
        _sequences.AddRange(sequences);
        for (; from < _sequences.Count; from = _runs[^1].To)
            _runs.Add(SimilarFrom(from, past));
    }

    /// <summary>Adds fresh sequences with few content positions to the cached ones; nothing of their slots is visible.</summary>
    private void MergeFresh()
    {
        if (_sequences.Count == 0)
            return;
        int content = 0;
        foreach (PlannedSequence sequence in Sequences)
            content = Math.Max(content, sequence.Content);
        for (int i = _fresh.Count - 1; i >= 0; i--)
        {
            PlannedSequence sequence = _fresh[i];
            int grown = Math.Max(content, sequence.Content);
            if ((grown - content) * _sequences.Count > _limits.RunCost)
                continue;
            content = grown;
            _sequences.Add(sequence);
            _fresh.RemoveAt(i);
        }
    }

    /// <summary>A run over consecutive slots. Slots between them that are not in the run are padding.</summary>
    private CachedRun CachedFrom(int from, int past)
    {
        CachedShape shape = CachedShape.Of(_sequences[from], past);
        int to = from + 1;
        for (; to < _sequences.Count; to++)
        {
            CachedShape grown = shape.With(_sequences[to]);
            int idle = grown.Batch - shape.Batch - 1;
            if (idle * (grown.Content + grown.Targets) > _limits.RunCost || !Fits(grown))
                break;
            shape = grown;
        }

        return new(from, to, shape);
    }

    /// <summary>A run over sequences of similar length; slots between them that are not in the run are padding.</summary>
    private CachedRun SimilarFrom(int from, int past)
    {
        PlannedSequence first = _sequences[from];
        CachedShape shape = CachedShape.Of(first, past);
        int to = from + 1, tokens = first.Tokens;
        for (; to < _sequences.Count; to++)
        {
            PlannedSequence sequence = _sequences[to];
            CachedShape grown = shape.With(sequence);
            tokens += sequence.Tokens;
            if (grown.Tokens - tokens > _limits.RunCost || !Fits(grown))
                break;
            shape = grown;
        }

        return new(from, to, shape);
    }

    /// <summary>Whether a run of several sequences may have this shape, with its padding.</summary>
    private bool Fits(CachedShape smallest)
    {
        CachedShape shape = _limits.Round(smallest, int.MaxValue);
        return (long)shape.Batch * heads * shape.Past * (shape.Content + shape.Targets) <= _limits.MaxScores
            && shape.Batch * ((shape.Content * contentBytes) + (shape.Targets * targetBytes) + (shape.IsScratch ? shape.Past * scratchBytes : 0)) <= _limits.MaxRunBytes;
    }
}
