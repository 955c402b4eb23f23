using AsArm.Inference.Onnx.Cached;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Tests.Onnx.Cached;

/// <summary>A cache that fails to allocate memory on request.</summary>
internal sealed class FailingCache(IKeyValueCache inner) : IKeyValueCache
{
    /// <summary>Whether the next resize fails and loses the content, as the interface specifies.</summary>
    public bool Fails { get; set; }

    public CacheLayout Layout => inner.Layout;

    public void Resize(CacheLayout layout, int keptSlots)
    {
        inner.Resize(Fails ? default : layout, Fails ? 0 : keptSlots);
        if (!Fails)
            return;
        Fails = false;
        throw new InsufficientMemoryException("Simulated lack of memory.");
    }

    public void Copy(int from, int to) => inner.Copy(from, to);

    public OrtValue Tensor(int port, int firstSlot, int slots) => inner.Tensor(port, firstSlot, slots);

    public void Write(int port, int slot, ReadOnlySpan<int> positions, ReadOnlySpan<float> values) => inner.Write(port, slot, positions, values);

    public bool EnsureFinite(int slot, ReadOnlySpan<int> positions) => inner.EnsureFinite(slot, positions);
}
