using AsArm.Inference.Onnx.Cached;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Tests.Onnx.Cached;

/// <summary>A faulty cache in which positions keep the first keys and values that were written to them, as if rejected draft tokens had been accepted.</summary>
internal sealed class NonOverwritingCache(IKeyValueCache inner, int ports, int heads, int headSize) : IKeyValueCache
{
    private readonly Dictionary<(int Port, int Slot, int Head, int Position), float[]> _first = [];

    public CacheLayout Layout => inner.Layout;

    public void Resize(CacheLayout layout, int keptSlots) => inner.Resize(layout, keptSlots);

    public void Copy(int from, int to) => inner.Copy(from, to);

    public OrtValue Tensor(int port, int firstSlot, int slots) => inner.Tensor(port, firstSlot, slots);

    public void Write(int port, int slot, ReadOnlySpan<int> positions, ReadOnlySpan<float> values) => inner.Write(port, slot, positions, values);

    /// <summary>Called after each run, for the positions that it has written.</summary>
    public bool EnsureFinite(int slot, ReadOnlySpan<int> positions)
    {
        for (int port = 0; port < ports; port++)
        {
            using OrtValue tensor = inner.Tensor(port, slot, 1);
            Span<float> memory = tensor.GetTensorMutableDataAsSpan<float>();
            for (int head = 0; head < heads; head++)
            {
                foreach (int position in positions)
                {
                    Span<float> vector = memory.Slice((head * Layout.Length + position) * headSize, headSize);
                    if (!_first.TryAdd((port, slot, head, position), vector.ToArray()))
                        _first[(port, slot, head, position)].CopyTo(vector);
                }
            }
        }

        return inner.EnsureFinite(slot, positions);
    }
}
