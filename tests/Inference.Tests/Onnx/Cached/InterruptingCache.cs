using AsArm.Inference.Onnx.Cached;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Tests.Onnx.Cached;

/// <summary>A cache that cancels a run when its tensors are bound, and has other keys and values at the run's positions after it.</summary>
internal sealed class InterruptingCache(IKeyValueCache inner, int ports, int rowSize, CancellationTokenSource cancellation) : IKeyValueCache
{
    /// <summary>Whether the next run of a new shape is cancelled.</summary>
    public bool Interrupts { get; set; }

    public CacheLayout Layout => inner.Layout;

    public void Resize(CacheLayout layout, int keptSlots) => inner.Resize(layout, keptSlots);

    public void Copy(int from, int to) => inner.Copy(from, to);

    public OrtValue Tensor(int port, int firstSlot, int slots)
    {
        if (Interrupts)
            cancellation.Cancel();
        return inner.Tensor(port, firstSlot, slots);
    }

    public void Write(int port, int slot, ReadOnlySpan<int> positions, ReadOnlySpan<float> values) => inner.Write(port, slot, positions, values);

    public bool EnsureFinite(int slot, ReadOnlySpan<int> positions)
    {
        if (Interrupts)
        {
            Interrupts = false;
            var values = new float[positions.Length * rowSize];
            for (int i = 0; i < values.Length; i++)
                values[i] = MathF.Sin(i);
            for (int port = 0; port < ports; port++)
                inner.Write(port, slot, positions, values);
        }

        return inner.EnsureFinite(slot, positions);
    }
}
