using System.Runtime.InteropServices;
using AsArm.Inference.Onnx.DeviceMemory;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Tests.Onnx.DeviceMemory;

/// <summary>
/// Memory of a device that does not exist: blocks of host memory that only <see cref="Copy" /> fills and reads, so that the CPU provider runs what a GPU
/// would. Freed blocks are overwritten, and copies beyond a block are refused.
/// </summary>
internal sealed unsafe class SeparateMemory : IDeviceMemory, IDisposable
{
    private readonly Dictionary<nint, long> _blocks = [];

    public OrtMemoryInfo Info => OrtMemoryInfo.DefaultInstance;

    /// <summary>Number of blocks that are not freed.</summary>
    public int Blocks => _blocks.Count;

    /// <summary>Bytes copied so far, by direction.</summary>
    public Dictionary<CopyDirection, long> Copied { get; } = [];

    /// <summary>Host memory that is not freed.</summary>
    public HashSet<nint> HostBlocks { get; } = [];

    /// <summary>Whether a copy to the device was not followed by <see cref="Synchronize" />.</summary>
    public bool HasPendingCopies { get; private set; }

    /// <summary>The largest number of bytes of all blocks together; more is refused.</summary>
    public long Limit { get; set; } = long.MaxValue;

    /// <summary>Whether the host has no memory left.</summary>
    public bool FailsOnHost { get; set; }

    public nint Allocate(long bytes)
    {
        if (bytes == 0)
            return 0;
        if (_blocks.Values.Sum() + bytes > Limit)
            throw new InsufficientMemoryException("GPU 0 has not enough memory left.");
        nint address = (nint)NativeMemory.AlignedAlloc((nuint)bytes, 256);
        NativeMemory.Clear((void*)address, (nuint)bytes);
        _blocks.Add(address, bytes);
        return address;
    }

    public void Free(nint address)
    {
        if (address == 0)
            return;
        Assert.IsTrue(_blocks.Remove(address, out long bytes));
        NativeMemory.Fill((void*)address, (nuint)bytes, 0xFF);
        NativeMemory.AlignedFree((void*)address);
    }

    public void Clear(nint address, long bytes)
    {
        RequireBlock(address, bytes);
        NativeMemory.Clear((void*)address, (nuint)bytes);
    }

    public void Copy(CopyDirection direction, nint source, long sourcePitch, nint target, long targetPitch, long width, long rows)
    {
        if (width == 0 || rows == 0)
            return;
        Assert.IsTrue(width <= sourcePitch && width <= targetPitch);
        if (direction != CopyDirection.ToDevice)
            RequireBlock(source, ((rows - 1) * sourcePitch) + width);
        if (direction != CopyDirection.ToHost)
            RequireBlock(target, ((rows - 1) * targetPitch) + width);
        for (long row = 0; row < rows; row++)
            NativeMemory.Copy((void*)(source + (nint)(row * sourcePitch)), (void*)(target + (nint)(row * targetPitch)), (nuint)width);
        Copied[direction] = Copied.GetValueOrDefault(direction) + (width * rows);
        HasPendingCopies |= direction == CopyDirection.ToDevice;
    }

    public void Synchronize() => HasPendingCopies = false;

    public nint AllocateHost(long bytes)
    {
        if (bytes == 0)
            return 0;
        if (FailsOnHost)
            throw new InsufficientMemoryException("The host has not enough memory left.");
        nint address = (nint)NativeMemory.AlignedAlloc((nuint)bytes, 256);
        HostBlocks.Add(address);
        return address;
    }

    public void FreeHost(nint address)
    {
        if (address == 0)
            return;
        Assert.IsTrue(HostBlocks.Remove(address));
        NativeMemory.AlignedFree((void*)address);
    }

    /// <summary>Whether a tensor is in a block.</summary>
    public bool Contains(OrtValue tensor)
    {
        Span<byte> bytes = tensor.GetTensorMutableRawData();
        fixed (byte* address = bytes)
            return IsInBlock((nint)address, bytes.Length);
    }

    /// <summary>Nothing may be left.</summary>
    public void Dispose()
    {
        Assert.AreEqual(0, Blocks, "Blocks were not freed.");
        Assert.IsEmpty(HostBlocks);
    }

    private void RequireBlock(nint address, long bytes) => Assert.IsTrue(IsInBlock(address, bytes), "Outside of all blocks.");

    private bool IsInBlock(nint address, long bytes) => _blocks.Any(block => address >= block.Key && address + bytes <= block.Key + block.Value);
}
