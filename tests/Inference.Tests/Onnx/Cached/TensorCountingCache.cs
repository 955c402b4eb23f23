using System.Buffers;
using AsArm.Inference.Onnx.Cached;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Tests.Onnx.Cached;

/// <summary>A cache of zeros that counts the tensors over it that have not been disposed.</summary>
internal sealed class TensorCountingCache(int heads, int headSize) : IKeyValueCache
{
    /// <summary>Number of tensors over the cache.</summary>
    public int Tensors { get; private set; }

    /// <summary>Number of tensors at each resize.</summary>
    public List<int> TensorsAtResize { get; } = [];

    public CacheLayout Layout { get; private set; }

    public void Resize(CacheLayout layout, int keptSlots)
    {
        TensorsAtResize.Add(Tensors);
        Layout = layout;
    }

    public void Copy(int from, int to)
    {
    }

    public OrtValue Tensor(int port, int firstSlot, int slots)
    {
        var memory = new Zeros(this, slots * heads * Layout.Length * headSize);
        return OrtValue.CreateTensorValueFromMemory(OrtMemoryInfo.DefaultInstance, memory.Memory, [slots, heads, Layout.Length, headSize]);
    }

    public void Write(int port, int slot, ReadOnlySpan<int> positions, ReadOnlySpan<float> values)
    {
    }

    public bool EnsureFinite(int slot, ReadOnlySpan<int> positions) => true;

    /// <summary>Memory that counts its pins: a tensor pins its memory until it is disposed.</summary>
    private sealed class Zeros(TensorCountingCache cache, int length) : MemoryManager<float>
    {
        private readonly float[] _values = GC.AllocateArray<float>(length, pinned: true);

        public override Span<float> GetSpan() => _values;

        public override MemoryHandle Pin(int elementIndex = 0)
        {
            cache.Tensors++;
            MemoryHandle inner = _values.AsMemory(elementIndex).Pin();
            unsafe
            {
                return new MemoryHandle(inner.Pointer, pinnable: this);
            }
        }

        public override void Unpin() => cache.Tensors--;

        protected override void Dispose(bool disposing)
        {
        }
    }
}
