using AsArm.Inference.Onnx.Cached;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Tests.Onnx.Cached;

/// <summary>A cache whose memory runs out when it is told to.</summary>
internal sealed class FailingCache(IKeyValueCache inner) : IKeyValueCache
{
    /// <summary>The next resize fails and loses what was held, as the contract has it.</summary>
    public bool Fails { get; set; }

    public CacheLayout Layout => inner.Layout;

    public void Resize(CacheLayout layout, int kept)
    {
        inner.Resize(Fails ? default : layout, Fails ? 0 : kept);
        if (!Fails)
            return;
        Fails = false;
        throw new InsufficientMemoryException("As if there were no more memory.");
    }

    public void Copy(int from, int to) => inner.Copy(from, to);

    public OrtValue Tensor(int port, int firstSlot, int slots) => inner.Tensor(port, firstSlot, slots);

    public void Write(int port, int slot, ReadOnlySpan<int> positions, ReadOnlySpan<float> rows) => inner.Write(port, slot, positions, rows);
}
