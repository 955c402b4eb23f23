using AsArm.Inference.Onnx.Cached;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Tests.Onnx.Cached;

/// <summary>A faulty cache that does not overwrite positions, as if rejected draft tokens had been accepted.</summary>
internal sealed class NonOverwritingCache(IKeyValueCache inner) : IKeyValueCache
{
    private readonly HashSet<(int Port, int Slot, int Position)> _written = [];

    public CacheLayout Layout => inner.Layout;

    public void Resize(CacheLayout layout, int keptSlots) => inner.Resize(layout, keptSlots);

    public void Copy(int from, int to) => inner.Copy(from, to);

    public OrtValue Tensor(int port, int firstSlot, int slots) => inner.Tensor(port, firstSlot, slots);

    public void Write(int port, int slot, ReadOnlySpan<int> positions, ReadOnlySpan<float> values)
    {
        int size = values.Length / positions.Length;
        for (int i = 0; i < positions.Length; i++)
        {
            if (_written.Add((port, slot, positions[i])))
                inner.Write(port, slot, positions.Slice(i, 1), values.Slice(i * size, size));
        }
    }
}
