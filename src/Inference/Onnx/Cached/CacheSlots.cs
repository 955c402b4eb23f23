using AsArm.Assd.Models;
using AsArm.Inference.Onnx.Sessions;

namespace AsArm.Inference.Onnx.Cached;

/// <summary>
/// Assigns cache slots to sequences. When memory is short, sequences that are not in the forward pass lose their slots, the least recently used
/// first; sequences of the pass that still get none are encoded again in every pass.
/// </summary>
internal sealed class CacheSlots
{
    private readonly IKeyValueCache _cache;
    private readonly Func<int, int> _slotLength;
    private readonly long _maxTokens;
    private readonly long _retainedTokens;
    private readonly Action _beforeResize;
    private readonly RunLimits _limits;
    private readonly List<CacheSlot?> _slots = []; // null: free
    private readonly Dictionary<SequenceState, CacheSlot> _byOwner = [];
    private readonly HashSet<SequenceState> _distinct = [];
    private readonly List<(int Tokens, int Index)> _newcomers = [];
    private long _pass;
    private int _oversizedPasses;

    /// <summary>Creates the table without slots.</summary>
    /// <param name="cache">The cache memory.</param>
    /// <param name="slotLength">Number of positions of a slot by the length of the longest sequence.</param>
    /// <param name="maxTokens">Limit of the positions of all slots together.</param>
    /// <param name="beforeResize">Called before the cache memory is replaced, to release all tensors over it.</param>
    /// <param name="retainedTokens">Size up to which the memory is retained when no sequence has a slot, in positions.</param>
    /// <param name="limits">With buckets the number of slots is rounded up, and the memory never shrinks, as captured graphs depend on where it is; null for a CPU.</param>
    public CacheSlots(
        IKeyValueCache cache, Func<int, int> slotLength, long maxTokens, Action beforeResize, long retainedTokens = long.MaxValue, RunLimits? limits = null)
    {
        _limits = limits ?? RunLimits.Cpu;
        _retainedTokens = retainedTokens;
        _cache = cache;
        _slotLength = slotLength;
        _maxTokens = maxTokens;
        _beforeResize = beforeResize;
    }

    /// <summary>Number of sequences with a slot.</summary>
    public int Count => _byOwner.Count;

    /// <summary>Number of positions of a slot that is long enough for all sequences with a slot and those of the last pass.</summary>
    public int Length { get; private set; }

    /// <summary>The sequence's slot; null if it has none.</summary>
    public CacheSlot? Find(SequenceState state) => _byOwner.GetValueOrDefault(state);

    /// <summary>Assigns slots to the sequences of a forward pass as far as memory allows. The slots in use are then contiguous from 0.</summary>
    /// <exception cref="ArgumentException">A sequence is in the pass twice.</exception>
    public void Prepare(ReadOnlySpan<SequenceState> states)
    {
        RequireDistinct(states);
        MakeRoom(states, CountWithoutSlot(states));
        int maxSlots = MaxSlots(states);
        AddNewcomers(states, maxSlots);
        Compact();
        Length = LengthFor(states);
        EnsureCapacity(Length, maxSlots);
        foreach ((_, int index) in _newcomers)
        {
            if (Find(states[index]) is CacheSlot slot)
                _cache.Reset(slot.Index);
        }
    }

    /// <summary>Frees the slot of a sequence. When the last one is freed, a large cache is released.</summary>
    public void Release(SequenceState state)
    {
        if (!Free(state) || Count > 0)
            return;
        if (_limits.UsesBuckets || _cache.Layout.Positions <= _retainedTokens)
            return;
        _beforeResize();
        _cache.Resize(default, 0);
    }

    private bool Free(SequenceState state)
    {
        bool has = _byOwner.Remove(state, out CacheSlot? freed);
        if (has)
            _slots[freed!.Index] = null;
        return has;
    }

    /// <summary>Called before anything changes.</summary>
    private void RequireDistinct(ReadOnlySpan<SequenceState> states)
    {
        bool distinct = true;
        foreach (SequenceState state in states)
            distinct &= _distinct.Add(state);
        _distinct.Clear();
        if (!distinct)
            throw new ArgumentException("A sequence is in the forward pass twice.", nameof(states));
    }

    private int CountWithoutSlot(ReadOnlySpan<SequenceState> states)
    {
        _pass++;
        int withoutSlot = 0;
        foreach (SequenceState state in states)
        {
            if (Find(state) is CacheSlot slot)
                slot.LastUse = _pass;
            else
                withoutSlot++;
        }

        return withoutSlot;
    }

    /// <summary>Frees the least recently used slots. The limit is computed again after each, as slots are as long as the length sequence.</summary>
    private void MakeRoom(ReadOnlySpan<SequenceState> states, int withoutSlot)
    {
        while (Count > 0)
        {
            int maxSlots = MaxSlots(states);
            if (Count + withoutSlot <= maxSlots)
                return;
            CacheSlot oldest = _byOwner.Values.MinBy(slot => slot.LastUse)!;
            if (oldest.LastUse == _pass && Count <= maxSlots)
                return;
            Free(oldest.Owner);
        }
    }

    /// <summary>Those with the most tokens first: sequences of similar length get consecutive slots and can share a run.</summary>
    private void AddNewcomers(ReadOnlySpan<SequenceState> states, int maxSlots)
    {
        _newcomers.Clear();
        for (int i = 0; i < states.Length; i++)
        {
            if (Find(states[i]) is null)
                _newcomers.Add((-states[i].KnownCount - states[i].Conditionals.Length, i));
        }

        _newcomers.Sort();
        foreach ((_, int index) in _newcomers)
        {
            if (Count < maxSlots)
                Add(states[index]);
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

        _byOwner.Add(state, _slots[index] = new CacheSlot(state, index) { LastUse = _pass });
    }

    /// <summary>Moves the last slots into free ones: a run processes all slots between the first and the last in use.</summary>
    private void Compact()
    {
        while (_slots.Count > Count)
        {
            CacheSlot? last = _slots[^1];
            _slots.RemoveAt(_slots.Count - 1);
            if (last is null)
                continue;
            int free = _slots.IndexOf(null);
            _cache.Copy(last.Index, free);
            last.Index = free;
            _slots[free] = last;
        }
    }

    /// <summary>Changes the layout when slots are too few or too short, or when half the memory has been enough for a number of passes.</summary>
    private void EnsureCapacity(int length, int maxSlots)
    {
        CacheLayout layout = _cache.Layout;
        if (Count == 0)
            return;
        bool fits = Count <= layout.Slots && length <= layout.Length;
        bool isOversized = !_limits.UsesBuckets && (2 * length <= layout.Length || 2 * Count <= layout.Slots);
        _oversizedPasses = fits && isOversized ? _oversizedPasses + 1 : 0;
        if (fits && _oversizedPasses < MemoryBounds.PassesBeforeShrinking)
            return;
        _oversizedPasses = 0;
        // Grows by doubling, so that sequences that arrive one by one do not cause a copy each.
        int slots = _limits.Round(Count > layout.Slots ? Math.Max(Count, 2 * layout.Slots) : Math.Max(Count, _limits.UsesBuckets ? layout.Slots : 0));
        _beforeResize();
        try
        {
            _cache.Resize(new CacheLayout(Math.Min(slots, maxSlots), length), Math.Min(Count, layout.Slots));
        }
        catch
        {
            _slots.Clear(); // the content of the cache is lost
            _byOwner.Clear();
            throw;
        }
    }

    private int MaxSlots(ReadOnlySpan<SequenceState> states) => (int)Math.Min(int.MaxValue, _maxTokens / LengthFor(states));

    private int LengthFor(ReadOnlySpan<SequenceState> states)
    {
        int length = 0;
        foreach (SequenceState state in states)
            length = Math.Max(length, state.Order.Length);
        foreach (CacheSlot? slot in _slots)
            length = Math.Max(length, slot?.Owner.Order.Length ?? 0);
        return Math.Max(_slotLength(length), _limits.UsesBuckets ? _cache.Layout.Length : 0);
    }
}
