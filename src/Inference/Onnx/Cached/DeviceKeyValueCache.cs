using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx.DeviceMemory;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace AsArm.Inference.Onnx.Cached;

/// <summary>
/// A cache in the memory of a device: one block [slots, heads, length, head size] per port. Keys and values never cross to the host, so nothing checks
/// that they are finite; instead a slot is set to zero when it gets another owner, so that what one sequence broke does not reach the next.
/// </summary>
/// <param name="manifest">The model.</param>
/// <param name="memory">The memory of the device.</param>
internal sealed class DeviceKeyValueCache(ModelManifest manifest, IDeviceMemory memory) : IKeyValueCache
{
    private readonly nint[] _ports = new nint[2 * manifest.Layers];
    private readonly TensorElementType _type = manifest.CacheElementBytes == sizeof(float) ? TensorElementType.Float : TensorElementType.Float16;
    private readonly int _rowBytes = manifest.HeadSize * manifest.CacheElementBytes;

    public CacheLayout Layout { get; private set; }

    public void Resize(CacheLayout layout, int keptSlots)
    {
        CacheLayout former = Layout;
        Layout = default; // if an allocation fails, the content is lost
        for (int port = 0; port < _ports.Length; port++)
        {
            nint old = _ports[port];
            // Port by port, so that the whole old and new memory never exist at once.
            nint grown = memory.Allocate(layout.Slots * SlotBytes(layout.Length));
            long width = (long)Math.Min(former.Length, layout.Length) * _rowBytes;
            memory.Copy(
                CopyDirection.OnDevice, old, (long)former.Length * _rowBytes, grown, (long)layout.Length * _rowBytes, width, (long)keptSlots * manifest.Heads);
            _ports[port] = grown;
            memory.Free(old);
        }

        Layout = layout;
    }

    public void Copy(int from, int to)
    {
        long size = SlotBytes(Layout.Length);
        foreach (nint port in _ports)
            memory.Copy(CopyDirection.OnDevice, port + (nint)(from * size), size, port + (nint)(to * size), size, size, 1);
    }

    public OrtValue Tensor(int port, int firstSlot, int slots)
    {
        long size = SlotBytes(Layout.Length);
        return OrtValue.CreateTensorValueWithData(
            memory.Info, _type, [slots, manifest.Heads, Layout.Length, manifest.HeadSize], _ports[port] + (nint)(firstSlot * size), slots * size);
    }

    public void Reset(int slot)
    {
        long size = SlotBytes(Layout.Length);
        foreach (nint port in _ports)
            memory.Clear(port + (nint)(slot * size), size);
    }

    /// <summary>Only graphs of formats 1 and 2 return keys and values; their cache is in host memory.</summary>
    public void Write(int port, int slot, ReadOnlySpan<int> positions, ReadOnlySpan<float> values) =>
        throw new NotSupportedException("The graph writes into a cache in device memory.");

    public bool EnsureFinite(int slot, ReadOnlySpan<int> positions) => true;

    private long SlotBytes(int length) => (long)manifest.Heads * length * _rowBytes;
}
