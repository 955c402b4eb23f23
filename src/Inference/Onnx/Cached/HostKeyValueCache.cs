using AsArm.Inference.Onnx.Sessions;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Onnx.Cached;

/// <summary>A cache in host memory: one array [slots, heads, length, head size] per port.</summary>
internal sealed class HostKeyValueCache : IKeyValueCache
{
    private readonly float[][] _ports;
    private readonly int _heads;
    private readonly int _headSize;

    public HostKeyValueCache(int ports, int heads, int headSize)
    {
        _ports = new float[ports][];
        Array.Fill(_ports, []);
        _heads = heads;
        _headSize = headSize;
    }

    public CacheLayout Layout { get; private set; }

    public void Resize(CacheLayout layout, int keptSlots)
    {
        CacheLayout former = Layout;
        Layout = default; // if an allocation fails, ports differ in size and the content is lost
        for (int port = 0; port < _ports.Length; port++)
        {
            float[] old = _ports[port];
            // Port by port, so that the whole old and new memory never exist at once. Zeros, as unwritten positions must be finite.
            float[] grown = GC.AllocateArray<float>(checked(layout.Slots * SlotSize(layout.Length)), pinned: true);
            int length = Math.Min(former.Length, layout.Length) * _headSize;
            for (int i = 0; i < keptSlots * _heads; i++)
                old.AsSpan(i * former.Length * _headSize, length).CopyTo(grown.AsSpan(i * layout.Length * _headSize));
            _ports[port] = grown;
        }

        Layout = layout;
    }

    public void Copy(int from, int to)
    {
        int size = SlotSize(Layout.Length);
        foreach (float[] port in _ports)
            port.AsSpan(from * size, size).CopyTo(port.AsSpan(to * size));
    }

    public OrtValue Tensor(int port, int firstSlot, int slots) =>
        BoundTensors.Over(_ports[port], [slots, _heads, Layout.Length, _headSize], firstSlot * SlotSize(Layout.Length));

    public void Write(int port, int slot, ReadOnlySpan<int> positions, ReadOnlySpan<float> values)
    {
        Span<float> memory = _ports[port].AsSpan(slot * SlotSize(Layout.Length));
        for (int i = 0; i < positions.Length; i++)
        {
            for (int head = 0; head < _heads; head++)
            {
                values.Slice((i * _heads + head) * _headSize, _headSize)
                    .CopyTo(memory[((head * Layout.Length + positions[i]) * _headSize)..]);
            }
        }
    }

    private int SlotSize(int length) => checked(_heads * length * _headSize);
}
