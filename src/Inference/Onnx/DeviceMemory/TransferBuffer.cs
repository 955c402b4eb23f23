using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace AsArm.Inference.Onnx.DeviceMemory;

/// <summary>
/// Numbers that managed code reads or writes and that tensors are created over. On a device the tensors are over a copy in its memory, and
/// <see cref="Upload" /> and <see cref="Download" /> copy; on a CPU both are the same memory.
/// </summary>
/// <typeparam name="T">An element type of tensors.</typeparam>
internal sealed class TransferBuffer<T> : IDisposable
    where T : unmanaged
{
    private readonly IDeviceMemory? _memory;
    private readonly bool _isRegistered;
    private nint _device;

    /// <param name="memory">The memory of the device; null for a CPU.</param>
    /// <param name="length">Number of elements.</param>
    public TransferBuffer(IDeviceMemory? memory, int length)
    {
        _memory = memory;
        Values = GC.AllocateUninitializedArray<T>(length, pinned: true);
        if (memory is null || length == 0)
            return;
        _device = memory.Allocate(BytesOf(length));
        _isRegistered = memory.Register(Host(0), BytesOf(length));
    }

    /// <summary>The numbers, in host memory.</summary>
    public T[] Values { get; }

    /// <summary>A tensor over a part; valid until this is disposed.</summary>
    /// <param name="type">The element type.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="offset">Index of its first element.</param>
    public OrtValue Tensor(TensorElementType type, ReadOnlySpan<int> shape, int offset = 0)
    {
        int length = 1;
        var sizes = new long[shape.Length];
        for (int i = 0; i < shape.Length; i++)
        {
            sizes[i] = shape[i];
            length = checked(length * shape[i]);
        }

        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Values.Length - offset, nameof(shape));
        nint address = _memory is null ? Host(offset) : _device + (nint)BytesOf(offset);
        return OrtValue.CreateTensorValueWithData(_memory?.Info ?? OrtMemoryInfo.DefaultInstance, type, sizes, address, BytesOf(length));
    }

    /// <summary>Copies the first elements to the device.</summary>
    public void Upload(int length) => _memory?.Copy(CopyDirection.ToDevice, Host(0), BytesOf(length), _device, BytesOf(length), BytesOf(length), 1);

    /// <summary>Copies the beginnings of rows from the device, close together.</summary>
    /// <param name="rows">Number of rows, from the first one.</param>
    /// <param name="pitch">Elements from one row on the device to the next.</param>
    /// <param name="width">Elements to copy of each.</param>
    /// <returns>Elements from one row in <see cref="Values" /> to the next.</returns>
    public int Download(int rows, int pitch, int width)
    {
        if (_memory is null)
            return pitch;
        _memory.Copy(CopyDirection.ToHost, _device, BytesOf(pitch), Host(0), BytesOf(width), BytesOf(width), rows);
        return width;
    }

    public void Dispose()
    {
        if (_memory is null || _device == 0)
            return;
        if (_isRegistered)
            _memory.Unregister(Host(0));
        _memory.Free(_device);
        _device = 0;
    }

    private static unsafe long BytesOf(int length) => (long)length * sizeof(T);

    private nint Host(int offset) => Marshal.UnsafeAddrOfPinnedArrayElement(Values, offset);
}
