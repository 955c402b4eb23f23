using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Onnx.Cached;

/// <summary>
/// The memory of a key/value cache: one slot per sequence, indexed by the position in the sequence. Port 2 i holds the keys of layer i,
/// port 2 i + 1 its values. All positions of all slots must be finite between runs, those of no sequence too: masked positions count with weight 0,
/// and zero times infinity is NaN.
/// </summary>
internal interface IKeyValueCache
{
    /// <summary>The current layout.</summary>
    CacheLayout Layout { get; }

    /// <summary>
    /// Changes the layout; the first <paramref name="keptSlots" /> slots keep their content. If it throws for lack of memory, the layout and the
    /// content are empty.
    /// </summary>
    void Resize(CacheLayout layout, int keptSlots);

    /// <summary>Copies the content of a slot to another.</summary>
    void Copy(int from, int to);

    /// <summary>Prepares a slot for another owner. The default does nothing, for caches whose numbers are all finite by <see cref="EnsureFinite" />.</summary>
    void Reset(int slot)
    {
    }

    /// <summary>A tensor [slots, heads, Layout.Length, head size] over consecutive slots, to read and to write; valid until the next resize.</summary>
    OrtValue Tensor(int port, int firstSlot, int slots);

    /// <summary>Writes keys or values at positions of a slot.</summary>
    /// <param name="port">Index of the port.</param>
    /// <param name="slot">Index of the slot.</param>
    /// <param name="positions">[count] The positions to write.</param>
    /// <param name="values">[count, heads, head size] The keys or values.</param>
    void Write(int port, int slot, ReadOnlySpan<int> positions, ReadOnlySpan<float> values);

    /// <summary>Checks positions of a slot that a run has written. If any number of them in any port is NaN or infinite, all are set to zero.</summary>
    /// <returns>Whether all numbers were finite.</returns>
    bool EnsureFinite(int slot, ReadOnlySpan<int> positions);
}
