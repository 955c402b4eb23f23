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
    private readonly T[] _array = []; // on a CPU
    private nint _host; // for a device
    private nint _device;
    private int _length;

    /// <param name="memory">The memory of the device; null for a CPU.</param>
    /// <param name="length">Number of elements.</param>
    /// <exception cref="OutOfMemoryException">The device or the host has not enough memory left.</exception>
    public TransferBuffer(IDeviceMemory? memory, int length)
    {
        _memory = memory;
        _length = length;
        if (memory is null)
        {
            _array = GC.AllocateUninitializedArray<T>(length, pinned: true);
            return;
        }

        _device = memory.Allocate(BytesOf(length));
        try
        {
            _host = memory.AllocateHost(BytesOf(length));
        }
        catch
        {
            memory.Free(_device);
            throw;
        }
    }

    /// <summary>The numbers, in host memory; empty once this is disposed.</summary>
    public unsafe Span<T> Values => _memory is null ? _array : new Span<T>((void*)_host, _length);

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
        _memory?.FreeHost(_host);
        _memory?.Free(_device);
        (_host, _device, _length) = (0, 0, _memory is null ? _length : 0);
    }

    private static unsafe long BytesOf(int length) => (long)length * sizeof(T);

    private nint Host(int offset) => _memory is null ? Marshal.UnsafeAddrOfPinnedArrayElement(_array, offset) : _host + (nint)BytesOf(offset);
}
