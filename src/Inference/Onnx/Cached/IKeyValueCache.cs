using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Onnx.Cached;

/// <summary>Slots of a cache, and the positions that each has room for.</summary>
internal readonly record struct CacheLayout(int Slots, int Length);

/// <summary>
/// Memory of keys and values, a slot per sequence, indexed by the position in the sequence. Port 2 i holds the keys of layer i,
/// port 2 i + 1 its values. Whatever stands at a position that nobody wrote must be finite: it is masked, and zero times infinity
/// would be no number.
/// </summary>
internal interface IKeyValueCache
{
    /// <summary>The room there is.</summary>
    CacheLayout Layout { get; }

    /// <summary>
    /// Makes other room; the first <paramref name="kept" /> slots keep what they hold. If it throws, for want of memory, there is no
    /// room left and nothing is held.
    /// </summary>
    void Resize(CacheLayout layout, int kept);

    /// <summary>Copies a slot over another.</summary>
    void Copy(int from, int to);

    /// <summary>A tensor [slots, heads, Layout.Length, head size] over neighbouring slots; valid until the next resize.</summary>
    OrtValue Tensor(int port, int firstSlot, int slots);

    /// <summary>Puts rows into their places.</summary>
    /// <param name="port">Which keys or values.</param>
    /// <param name="slot">The sequence's slot.</param>
    /// <param name="positions">[rows] the place of each row.</param>
    /// <param name="rows">[rows, heads, head size]</param>
    void Write(int port, int slot, ReadOnlySpan<int> positions, ReadOnlySpan<float> rows);
}
