using AsArm.Inference.Onnx.Cached;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Tests.Onnx.Cached;

/// <summary>A cache whose unwritten memory has large values, so that reading it is detected.</summary>
internal sealed class LargeValueCache(IKeyValueCache inner, int ports, int rowSize) : IKeyValueCache
{
    private const float Value = 1e4f;

    public CacheLayout Layout => inner.Layout;

    public void Resize(CacheLayout layout, int keptSlots)
    {
        inner.Resize(layout, keptSlots);
        int[] positions = [.. Enumerable.Range(0, layout.Length)];
        var values = new float[layout.Length * rowSize];
        Array.Fill(values, Value);
        for (int slot = keptSlots; slot < layout.Slots; slot++)
        {
            for (int port = 0; port < ports; port++)
                inner.Write(port, slot, positions, values);
        }
    }

    public void Copy(int from, int to) => inner.Copy(from, to);

    public OrtValue Tensor(int port, int firstSlot, int slots) => inner.Tensor(port, firstSlot, slots);

    public void Write(int port, int slot, ReadOnlySpan<int> positions, ReadOnlySpan<float> values) => inner.Write(port, slot, positions, values);

    public bool EnsureFinite(int slot, ReadOnlySpan<int> positions) => inner.EnsureFinite(slot, positions);
}
