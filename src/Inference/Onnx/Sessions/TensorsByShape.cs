namespace AsArm.Inference.Onnx.Sessions;

/// <summary>A cache of bound tensors by shape. When it is full, the least recently used are released.</summary>
internal sealed class TensorsByShape<TShape>
    where TShape : struct, IEquatable<TShape>
{
    private const int MaxShapes = 256;

    private readonly Dictionary<TShape, Entry> _entries = [];
    private long _uses;

    public BoundTensors? Find(TShape shape)
    {
        if (!_entries.TryGetValue(shape, out Entry? entry))
            return null;
        entry.LastUse = ++_uses;
        return entry.Tensors;
    }

    public BoundTensors Add(TShape shape, BoundTensors tensors)
    {
        if (_entries.Count == MaxShapes)
        {
            (TShape oldest, Entry entry) = _entries.MinBy(pair => pair.Value.LastUse);
            _entries.Remove(oldest);
            entry.Tensors.Dispose();
        }

        _entries[shape] = new Entry(tensors) { LastUse = ++_uses };
        return tensors;
    }

    public void ForEach(Action<BoundTensors> action)
    {
        foreach (Entry entry in _entries.Values)
            action(entry.Tensors);
    }

    public void Clear()
    {
        foreach (Entry entry in _entries.Values)
            entry.Tensors.Dispose();
        _entries.Clear();
    }

    private sealed class Entry(BoundTensors tensors)
    {
        public BoundTensors Tensors { get; } = tensors;

        public long LastUse { get; set; }
    }
}
