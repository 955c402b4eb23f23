using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using AsArm.Inference.ModelFolders;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace AsArm.Inference.Onnx.Cached;

/// <summary>Creates caches in host memory.</summary>
internal static class HostKeyValueCache
{
    /// <summary>An empty cache of the element type of a model.</summary>
    public static IKeyValueCache Create(ModelManifest manifest) => manifest.CacheElementBytes == sizeof(float)
        ? new HostKeyValueCache<float>(2 * manifest.Layers, manifest.Heads, manifest.HeadSize)
        : new HostKeyValueCache<Half>(2 * manifest.Layers, manifest.Heads, manifest.HeadSize);
}

/// <summary>A cache in host memory: one array [slots, heads, length, head size] per port.</summary>
/// <typeparam name="T">float, or Half for graphs that compute in float16.</typeparam>
internal sealed class HostKeyValueCache<T> : IKeyValueCache
    where T : unmanaged, INumberBase<T>
{
    private static readonly TensorElementType s_type = default(T) switch
    {
        float => TensorElementType.Float,
        Half => TensorElementType.Float16,
        _ => throw new NotSupportedException($"A cache of {typeof(T)}."),
    };

    private readonly T[][] _ports;
    private readonly int _heads;
    private readonly int _headSize;

    public HostKeyValueCache(int ports, int heads, int headSize)
    {
        _ports = new T[ports][];
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
            T[] old = _ports[port];
            // Port by port, so that the whole old and new memory never exist at once. Zeros, as unwritten positions must be finite.
            T[] grown = GC.AllocateArray<T>(checked(layout.Slots * SlotSize(layout.Length)), pinned: true);
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
        foreach (T[] port in _ports)
            port.AsSpan(from * size, size).CopyTo(port.AsSpan(to * size));
    }

    /// <summary>The arrays are pinned, so that tensors may point into them.</summary>
    public OrtValue Tensor(int port, int firstSlot, int slots)
    {
        int size = SlotSize(Layout.Length);
        Span<T> memory = _ports[port].AsSpan(firstSlot * size, slots * size);
        return OrtValue.CreateTensorValueWithData(
            OrtMemoryInfo.DefaultInstance, s_type, [slots, _heads, Layout.Length, _headSize],
            Marshal.UnsafeAddrOfPinnedArrayElement(_ports[port], firstSlot * size), MemoryMarshal.AsBytes(memory).Length);
    }

    public void Write(int port, int slot, ReadOnlySpan<int> positions, ReadOnlySpan<float> values)
    {
        for (int i = 0; i < positions.Length; i++)
        {
            for (int head = 0; head < _heads; head++)
                TensorPrimitives.ConvertSaturating(values.Slice((i * _heads + head) * _headSize, _headSize), Vector(port, slot, head, positions[i]));
        }
    }

    public bool EnsureFinite(int slot, ReadOnlySpan<int> positions)
    {
        if (IsFinite(slot, positions))
            return true;
        for (int port = 0; port < _ports.Length; port++)
        {
            for (int head = 0; head < _heads; head++)
            {
                foreach (int position in positions)
                    Vector(port, slot, head, position).Clear();
            }
        }

        return false;
    }

    private bool IsFinite(int slot, ReadOnlySpan<int> positions)
    {
        for (int port = 0; port < _ports.Length; port++)
        {
            for (int head = 0; head < _heads; head++)
            {
                foreach (int position in positions)
                {
                    if (!TensorPrimitives.IsFiniteAll<T>(Vector(port, slot, head, position)))
                        return false;
                }
            }
        }

        return true;
    }

    /// <summary>[head size] one head's key or value at a position.</summary>
    private Span<T> Vector(int port, int slot, int head, int position) =>
        _ports[port].AsSpan(((slot * _heads + head) * Layout.Length + position) * _headSize, _headSize);

    private int SlotSize(int length) => checked(_heads * length * _headSize);
}
