using System.Runtime.InteropServices;
using AsArm.Inference.Onnx.Sessions;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Onnx.DeviceMemory;

/// <summary>Memory of an NVIDIA GPU, allocated by the CUDA runtime.</summary>
internal sealed class CudaMemory : IDeviceMemory
{
    private readonly CudaRuntime _cuda;
    private readonly int _device;
    private readonly HashSet<nint> _pageable = []; // host memory that could not be page-locked

    /// <param name="cuda">The CUDA runtime.</param>
    /// <param name="device">Index of the GPU.</param>
    public CudaMemory(CudaRuntime cuda, int device)
    {
        (_cuda, _device) = (cuda, device);
        Info = new OrtMemoryInfo(OrtMemoryInfo.allocatorCUDA, OrtAllocatorType.DeviceAllocator, device, OrtMemType.Default);
    }

    /// <inheritdoc />
    public OrtMemoryInfo Info { get; }

    /// <inheritdoc />
    public nint Allocate(long bytes)
    {
        if (bytes == 0)
            return 0;
        SelectDevice();
        int status = _cuda.Malloc(out nint address, bytes);
        if (status == CudaRuntime.OutOfMemory)
        {
            _cuda.ForgetError();
            throw new InsufficientMemoryException($"GPU {_device} has not enough memory left for {bytes >> 20} MiB.");
        }

        Check(status);
        Check(_cuda.Clear(address, bytes));
        return address;
    }

    /// <inheritdoc />
    public void Free(nint address)
    {
        if (address == 0)
            return;
        if (_cuda.SetDevice(_device) != CudaRuntime.Success || _cuda.Free(address) != CudaRuntime.Success)
            _cuda.ForgetError();
    }

    /// <inheritdoc />
    public void Clear(nint address, long bytes)
    {
        SelectDevice();
        Check(_cuda.Clear(address, bytes));
    }

    /// <inheritdoc />
    public void Copy(CopyDirection direction, nint source, long sourcePitch, nint target, long targetPitch, long width, long rows)
    {
        if (width == 0 || rows == 0)
            return;
        SelectDevice();
        bool isContiguous = rows == 1 || (sourcePitch == width && targetPitch == width);
        Check(isContiguous
            ? _cuda.Copy(target, source, checked(width * rows), direction)
            : _cuda.Copy(target, targetPitch, source, sourcePitch, width, rows, direction));
    }

    /// <inheritdoc />
    public void Synchronize()
    {
        SelectDevice();
        Check(_cuda.Synchronize());
    }

    /// <inheritdoc />
    public unsafe nint AllocateHost(long bytes)
    {
        if (bytes == 0)
            return 0;
        SelectDevice();
        if (_cuda.MallocHost(out nint address, bytes) == CudaRuntime.Success)
            return address;
        _cuda.ForgetError(); // a limit of the system, as in some containers: copies are slower then
        address = (nint)NativeMemory.Alloc(checked((nuint)bytes));
        _pageable.Add(address);
        return address;
    }

    /// <inheritdoc />
    public unsafe void FreeHost(nint address)
    {
        if (_pageable.Remove(address))
            NativeMemory.Free((void*)address);
        else if (address != 0 && (_cuda.SetDevice(_device) != CudaRuntime.Success || _cuda.FreeHost(address) != CudaRuntime.Success))
            _cuda.ForgetError();
    }

    /// <summary>Each thread has a current device.</summary>
    private void SelectDevice() => Check(_cuda.SetDevice(_device));

    private void Check(int status)
    {
        if (status == CudaRuntime.Success)
            return;
        _cuda.ForgetError();
        throw new ModelRunException($"GPU {_device}: {_cuda.Describe(status)}.");
    }
}
