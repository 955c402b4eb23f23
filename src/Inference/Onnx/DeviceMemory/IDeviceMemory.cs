using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Onnx.DeviceMemory;

/// <summary>
/// Memory of a device, outside ONNX Runtime's arena: addresses that a captured graph uses for its intermediate results are free to the arena between
/// runs, so a block from there could be overwritten when the graph is replayed. Not thread-safe.
/// </summary>
internal interface IDeviceMemory
{
    /// <summary>What tensors over this memory are created with.</summary>
    OrtMemoryInfo Info { get; }

    /// <summary>Allocates a block of zeros.</summary>
    /// <param name="bytes">Size; 0 is allowed.</param>
    /// <returns>Its address on the device.</returns>
    /// <exception cref="OutOfMemoryException">The device has not enough memory left.</exception>
    nint Allocate(long bytes);

    /// <summary>Frees a block; 0 is ignored. Does not fail, as it is called when something else has.</summary>
    void Free(nint address);

    /// <summary>Sets a part of a block to zero.</summary>
    void Clear(nint address, long bytes);

    /// <summary>Copies rows of bytes, and waits until host memory may be used again.</summary>
    /// <param name="direction">Which of the addresses are on the device.</param>
    /// <param name="source">Address of the first row.</param>
    /// <param name="sourcePitch">Bytes from one row to the next, at least <paramref name="width" />.</param>
    /// <param name="target">Address of the first row.</param>
    /// <param name="targetPitch">Bytes from one row to the next, at least <paramref name="width" />.</param>
    /// <param name="width">Bytes of a row.</param>
    /// <param name="rows">Number of rows.</param>
    void Copy(CopyDirection direction, nint source, long sourcePitch, nint target, long targetPitch, long width, long rows);

    /// <summary>Waits for all copies: a run may read what they wrote on a stream of its own.</summary>
    void Synchronize();

    /// <summary>Allocates host memory that the device copies from and to fast: page-locked memory, where the system allows it.</summary>
    /// <param name="bytes">Size; 0 is allowed.</param>
    /// <returns>Its address.</returns>
    /// <exception cref="OutOfMemoryException">The system has not enough memory left.</exception>
    nint AllocateHost(long bytes);

    /// <summary>Frees what <see cref="AllocateHost" /> returned; 0 is ignored.</summary>
    void FreeHost(nint address);
}

/// <summary>The direction of a copy, with the numbers of cudaMemcpyKind.</summary>
internal enum CopyDirection
{
    /// <summary>From the host to the device.</summary>
    ToDevice = 1,

    /// <summary>From the device to the host.</summary>
    ToHost = 2,

    /// <summary>Within the device; source and target do not overlap.</summary>
    OnDevice = 3,
}
