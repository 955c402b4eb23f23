using AsArm.Assd.Models;
using AsArm.Inference.Onnx.Sessions;

namespace AsArm.Inference.Onnx.Cached;

/// <summary>
/// Which sequence has which slot. Where memory is short, sequences that do not take part in the call lose theirs, the longest unused
/// first; those of the call that still find no room are encoded anew in every call.
/// </summary>
internal sealed class CacheSlots
{
    private const int Granularity = 64; // lengths are multiples, so that other sequences rarely need another layout

    private readonly IKeyValueCache _cache;
    private readonly int _maxLength;
    private readonly long _maxTokens;
    private readonly long _keptTokens;
    private readonly Action _beforeLayout;
    private readonly List<CacheSlot?> _slots = []; // null: free
    private readonly Dictionary<SequenceState, CacheSlot> _byOwner = [];
    private readonly HashSet<SequenceState> _takingPart = [];
    private long _state;
    private int _roomyCalls;

    /// <summary>No slots yet.</summary>
    /// <param name="cache">The memory to divide.</param>
    /// <param name="maxLength">The longest sequence.</param>
    /// <param name="maxTokens">Most tokens in all slots together.</param>
    /// <param name="beforeLayout">Releases all tensors over the cache: its memory is about to be replaced.</param>
    /// <param name="keptTokens">Most tokens in all slots together that keep their memory when no sequence has a slot.</param>
    public CacheSlots(IKeyValueCache cache, int maxLength, long maxTokens, Action beforeLayout, long keptTokens = long.MaxValue)
    {
        _keptTokens = keptTokens;
        _cache = cache;
        _maxLength = maxLength;
        _maxTokens = maxTokens;
        _beforeLayout = beforeLayout;
    }

    /// <summary>Sequences with a slot.</summary>
    public int Count => _byOwner.Count;

    /// <summary>The sequence's slot; null if it has none.</summary>
    public CacheSlot? Find(SequenceState state) => _byOwner.GetValueOrDefault(state);

    /// <summary>Gives the sequences of a call their slots as far as there is room; slots in use are then the first ones.</summary>
    /// <exception cref="ArgumentException">A sequence takes part twice.</exception>
    public void Prepare(ReadOnlySpan<SequenceState> states)
    {
        RequireDistinct(states);
        MakeRoom(states, CountNewcomers(states));
        int most = MaxSlots(states);
        foreach (SequenceState state in states)
        {
            if (Count < most && Find(state) is null)
                Add(state);
        }

        CloseGaps();
        EnsureCapacity(LengthFor(states), most);
    }

    /// <summary>Frees the sequence's slot for the next newcomer; with the last sequence goes a large cache.</summary>
    public void Release(SequenceState state)
    {
        if (!Free(state) || Count > 0)
            return;
        CacheLayout layout = _cache.Layout;
        if ((long)layout.Slots * layout.Length <= _keptTokens)
            return;
        _slots.Clear();
        _beforeLayout();
        _cache.Resize(default, 0);
    }

    private bool Free(SequenceState state)
    {
        bool has = _byOwner.Remove(state, out CacheSlot? freed);
        if (has)
            _slots[freed!.Index] = null;
        return has;
    }

    /// <summary>Before anything changes.</summary>
    private void RequireDistinct(ReadOnlySpan<SequenceState> states)
    {
        bool distinct = true;
        foreach (SequenceState state in states)
            distinct &= _takingPart.Add(state);
        _takingPart.Clear();
        if (!distinct)
            throw new ArgumentException("A sequence takes part twice in one call.", nameof(states));
    }

    private int CountNewcomers(ReadOnlySpan<SequenceState> states)
    {
        _state++;
        int newcomers = 0;
        foreach (SequenceState state in states)
        {
            if (Find(state) is CacheSlot slot)
                slot.LastUse = _state;
            else
                newcomers++;
        }

        return newcomers;
    }

    /// <summary>With a long sequence gone there is room for more of the others.</summary>
    private void MakeRoom(ReadOnlySpan<SequenceState> states, int newcomers)
    {
        int most;
        while (Count > 0 && Count + newcomers > (most = MaxSlots(states)))
        {
            CacheSlot oldest = _byOwner.Values.MinBy(slot => slot.LastUse)!;
            if (oldest.LastUse == _state && Count <= most)
                return;
            Free(oldest.Owner);
        }
    }

    private void Add(SequenceState state)
    {
        int index = _slots.IndexOf(null);
        if (index < 0)
        {
            index = _slots.Count;
            _slots.Add(null);
        }

        _byOwner.Add(state, _slots[index] = new CacheSlot(state, index) { LastUse = _state });
    }

    /// <summary>Moves the last slots into free ones, as a call costs more for every slot between the first and the last in use.</summary>
    private void CloseGaps()
    {
        while (_slots.Count > Count)
        {
            CacheSlot? last = _slots[^1];
            _slots.RemoveAt(_slots.Count - 1);
            if (last is null)
                continue;
            int gap = _slots.IndexOf(null);
            _cache.Copy(last.Index, gap);
            last.Index = gap;
            _slots[gap] = last;
        }
    }

    /// <summary>Another layout where sequences are too many, too long, or for a while so few or short that half the memory would do.</summary>
    private void EnsureCapacity(int length, int most)
    {
        CacheLayout layout = _cache.Layout;
        if (Count == 0)
            return;
        bool fits = Count <= layout.Slots && length <= layout.Length;
        bool isRoomy = 2 * length <= layout.Length || 2 * Count <= layout.Slots;
        _roomyCalls = fits && isRoomy ? _roomyCalls + 1 : 0;
        if (fits && _roomyCalls < MemoryBounds.Patience)
            return;
        _roomyCalls = 0;
        // With slots to keep the memory doubles, so that sequences that come one by one do not move it every time.
        int slots = Count > layout.Slots && layout.Slots > 0 ? Math.Max(Count, 2 * layout.Slots) : Count;
        _beforeLayout();
        try
        {
            _cache.Resize(new CacheLayout(Math.Min(slots, most), length), Math.Min(Count, layout.Slots));
        }
        catch
        {
            _slots.Clear(); // the cache holds nothing any more
            _byOwner.Clear();
            throw;
        }
    }

    private int MaxSlots(ReadOnlySpan<SequenceState> states) => (int)Math.Min(int.MaxValue, _maxTokens / LengthFor(states));

    private int LengthFor(ReadOnlySpan<SequenceState> states)
    {
        int longest = 0;
        foreach (SequenceState state in states)
            longest = Math.Max(longest, state.Order.Length);
        foreach (CacheSlot? slot in _slots)
            longest = Math.Max(longest, slot?.Owner.Order.Length ?? 0);
        return Math.Min(_maxLength, (longest + Granularity - 1) / Granularity * Granularity);
    }
}
