using System.Runtime.InteropServices;
using AsArm.Assd.Models;
using AsArm.Inference.Onnx.Sessions;

namespace AsArm.Inference.Onnx.Cached;

/// <summary>
/// Divides the sequences of a call into runs of the graph. A run has one number of content tokens and of query tokens, shorter sequences
/// are padded, and with a cache it takes neighbouring slots. Padding costs time, and so does a run of its own; the answers are the same.
/// </summary>
/// <param name="heads">Attention heads, for the size of the scores.</param>
/// <param name="contentBytes">Memory of the buffers for a content row.</param>
/// <param name="targetBytes">Memory of the buffers for a query row.</param>
internal sealed class RunPlanner(int heads, long contentBytes = 0, long targetBytes = 0)
{
    /// <summary>Rows that cost as much as another run: 35 at XLNet-base size in float32, where a run is 35 ms and a row 0.9 ms.</summary>
    private const int RowsOfARun = 32;

    /// <summary>Scores [batch, heads, keys, rows] of a run, unless a single sequence has more: bounds the memory within a run.</summary>
    private const long MaxScores = 1 << 22;

    private static readonly Comparison<CachedRow> s_bySlot = (one, other) => one.Slot!.Index.CompareTo(other.Slot!.Index);
    private static readonly Comparison<CachedRow> s_longestFirst = (one, other) => (other.Content + other.Targets).CompareTo(one.Content + one.Targets);
    private readonly List<CachedRow> _rows = [];
    private readonly List<CachedRun> _runs = [];
    private readonly List<CachedRow> _fresh = [];

    /// <summary>The sequences of the call, in the order of the runs.</summary>
    public ReadOnlySpan<CachedRow> Rows => CollectionsMarshal.AsSpan(_rows);

    /// <summary>Together they answer every row once.</summary>
    public ReadOnlySpan<CachedRun> Runs => CollectionsMarshal.AsSpan(_runs);

    /// <summary>Plans the runs of a call; allocates nothing once it has seen calls of this size.</summary>
    /// <param name="states">The sequences.</param>
    /// <param name="slots">Their slots, prepared for this call.</param>
    /// <param name="past">Positions of a slot.</param>
    public void Plan(ReadOnlySpan<SequenceState> states, CacheSlots slots, int past)
    {
        Collect(states, slots);
        LetFreshJoin();
        CollectionsMarshal.AsSpan(_rows).Sort(s_bySlot);
        for (int from = 0; from < _rows.Count; from = _runs[^1].To)
            _runs.Add(CachedFrom(from, past));
        int cached = _rows.Count;
        CollectionsMarshal.AsSpan(_fresh).Sort(s_longestFirst);
        _rows.AddRange(_fresh);
        for (int from = cached; from < _rows.Count; from = _runs[^1].To)
            _runs.Add(FreshFrom(from));
    }

    /// <summary>Forgets the sequences, so that nothing keeps them alive.</summary>
    public void Clear()
    {
        _rows.Clear();
        _fresh.Clear();
        _runs.Clear();
    }

    private void Collect(ReadOnlySpan<SequenceState> states, CacheSlots slots)
    {
        Clear();
        foreach (SequenceState state in states)
        {
            CacheSlot? slot = slots.Find(state);
            var row = new CachedRow(state, slot, slot?.FirstUnknown() ?? 0);
            (row.IsFresh ? _fresh : _rows).Add(row);
        }
    }

    /// <summary>A fresh sequence of few rows goes with the others: its part of the cache is masked.</summary>
    private void LetFreshJoin()
    {
        if (_rows.Count == 0)
            return;
        int content = 0;
        foreach (CachedRow row in Rows)
            content = Math.Max(content, row.Content);
        for (int i = _fresh.Count - 1; i >= 0; i--)
        {
            CachedRow row = _fresh[i];
            int grown = Math.Max(content, row.Content);
            if (row.Slot is null || (grown - content) * _rows.Count > RowsOfARun)
                continue;
            content = grown;
            _rows.Add(row);
            _fresh.RemoveAt(i);
        }
    }

    /// <summary>A run over neighbouring slots. A slot between them that takes no part costs its rows.</summary>
    private CachedRun CachedFrom(int from, int past)
    {
        CachedRow first = _rows[from];
        var shape = new CachedShape(first.Slot!.Index, 1, past, first.Content, first.Targets);
        int to = from + 1;
        for (; to < _rows.Count; to++)
        {
            CachedRow row = _rows[to];
            CachedShape grown = shape with
            {
                Batch = row.Slot!.Index - shape.FirstSlot + 1,
                Content = Math.Max(shape.Content, row.Content),
                Targets = Math.Max(shape.Targets, row.Targets),
            };
            int idle = grown.Batch - shape.Batch - 1;
            if (idle * (grown.Content + grown.Targets) > RowsOfARun || !Fits(grown))
                break;
            shape = grown;
        }

        return new(from, to, shape);
    }

    /// <summary>A run over sequences of similar length, the longest first.</summary>
    private CachedRun FreshFrom(int from)
    {
        CachedRow first = _rows[from];
        CachedShape shape = CachedShape.Fresh(first.Content, first.Targets);
        int to = from + 1, padding = 0;
        for (; to < _rows.Count; to++)
        {
            CachedRow row = _rows[to];
            CachedShape grown = shape with
            {
                Batch = shape.Batch + 1,
                Content = Math.Max(shape.Content, row.Content),
                Targets = Math.Max(shape.Targets, row.Targets),
            };
            padding += grown.Content + grown.Targets - row.Content - row.Targets
                + shape.Batch * (grown.Content + grown.Targets - shape.Content - shape.Targets);
            if (padding > RowsOfARun || !Fits(grown))
                break;
            shape = grown;
        }

        return new(from, to, shape);
    }

    private bool Fits(CachedShape shape) =>
        (long)shape.Batch * heads * (shape.Past + shape.Content) * (shape.Content + shape.Targets) <= MaxScores
        && shape.Batch * ((shape.Content * contentBytes) + (shape.Targets * targetBytes)) <= MemoryBounds.RetainedBytes;
}
