using System.Runtime.InteropServices;

namespace AsArm.Inference.Onnx.DeviceMemory;

/// <summary>The functions of the CUDA runtime library that <see cref="CudaMemory" /> calls. The CUDA provider of ONNX Runtime needs the same library.</summary>
internal sealed unsafe class CudaRuntime
{
    private static readonly string[] s_names = OperatingSystem.IsWindows()
        ? ["cudart64_13.dll", "cudart64_12.dll"] : ["libcudart.so.13", "libcudart.so.12", "libcudart.so"];

    private readonly delegate* unmanaged<int, int> _setDevice;
    private readonly delegate* unmanaged<nint*, nuint, int> _malloc;
    private readonly delegate* unmanaged<nint, int> _free;
    private readonly delegate* unmanaged<nint, int, nuint, int> _memset;
    private readonly delegate* unmanaged<nint, nint, nuint, int, int> _memcpy;
    private readonly delegate* unmanaged<nint, nuint, nint, nuint, nuint, nuint, int, int> _memcpy2D;
    private readonly delegate* unmanaged<int> _synchronize;
    private readonly delegate* unmanaged<nint*, nuint, int> _mallocHost;
    private readonly delegate* unmanaged<nint, int> _freeHost;
    private readonly delegate* unmanaged<int, nint> _errorString;
    private readonly delegate* unmanaged<int> _lastError;

    private CudaRuntime(nint library)
    {
        nint Function(string name) => NativeLibrary.GetExport(library, name);
        _setDevice = (delegate* unmanaged<int, int>)Function("cudaSetDevice");
        _malloc = (delegate* unmanaged<nint*, nuint, int>)Function("cudaMalloc");
        _free = (delegate* unmanaged<nint, int>)Function("cudaFree");
        _memset = (delegate* unmanaged<nint, int, nuint, int>)Function("cudaMemset");
        _memcpy = (delegate* unmanaged<nint, nint, nuint, int, int>)Function("cudaMemcpy");
        _memcpy2D = (delegate* unmanaged<nint, nuint, nint, nuint, nuint, nuint, int, int>)Function("cudaMemcpy2D");
        _synchronize = (delegate* unmanaged<int>)Function("cudaDeviceSynchronize");
        _mallocHost = (delegate* unmanaged<nint*, nuint, int>)Function("cudaMallocHost");
        _freeHost = (delegate* unmanaged<nint, int>)Function("cudaFreeHost");
        _errorString = (delegate* unmanaged<int, nint>)Function("cudaGetErrorString");
        _lastError = (delegate* unmanaged<int>)Function("cudaGetLastError");
    }

    /// <summary>Status of success.</summary>
    public const int Success = 0;

    /// <summary>Status if the device has not enough memory left.</summary>
    public const int OutOfMemory = 2;

    /// <summary>Loads the library; null if the machine has none.</summary>
    /// <exception cref="EntryPointNotFoundException">A library of that name is no CUDA runtime.</exception>
    public static CudaRuntime? Load()
    {
        foreach (string name in s_names)
        {
            if (NativeLibrary.TryLoad(name, out nint library))
                return new CudaRuntime(library);
        }

        return null;
    }

    /// <summary>Selects the device of the calling thread.</summary>
    public int SetDevice(int device) => _setDevice(device);

    /// <summary>Allocates memory of the device.</summary>
    public int Malloc(out nint address, long bytes)
    {
        nint allocated = 0;
        int status = _malloc(&allocated, checked((nuint)bytes));
        address = allocated;
        return status;
    }

    /// <summary>Frees memory of the device.</summary>
    public int Free(nint address) => _free(address);

    /// <summary>Fills memory of the device with zeros.</summary>
    public int Clear(nint address, long bytes) => _memset(address, 0, checked((nuint)bytes));

    /// <summary>Copies bytes.</summary>
    public int Copy(nint target, nint source, long bytes, CopyDirection direction) => _memcpy(target, source, checked((nuint)bytes), (int)direction);

    /// <summary>Copies rows of bytes.</summary>
    public int Copy(nint target, long targetPitch, nint source, long sourcePitch, long width, long rows, CopyDirection direction) =>
        _memcpy2D(target, (nuint)targetPitch, source, (nuint)sourcePitch, (nuint)width, (nuint)rows, (int)direction);

    /// <summary>Waits for the device.</summary>
    public int Synchronize() => _synchronize();

    /// <summary>Allocates page-locked memory of the host.</summary>
    public int MallocHost(out nint address, long bytes)
    {
        nint allocated = 0;
        int status = _mallocHost(&allocated, checked((nuint)bytes));
        address = allocated;
        return status;
    }

    /// <summary>Frees page-locked memory of the host.</summary>
    public int FreeHost(nint address) => _freeHost(address);

    /// <summary>Forgets the last error, which the next caller would be told otherwise.</summary>
    public void ForgetError() => _ = _lastError();

    /// <summary>What a status means.</summary>
    public string Describe(int status) => Marshal.PtrToStringUTF8(_errorString(status)) ?? $"CUDA error {status}";
}
