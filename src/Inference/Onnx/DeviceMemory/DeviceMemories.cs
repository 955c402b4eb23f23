using AsArm.Inference.Devices;

namespace AsArm.Inference.Onnx.DeviceMemory;

/// <summary>Finds the memory in which the cache and the buffers of a device live.</summary>
internal static class DeviceMemories
{
    /// <summary>
    /// The memory of a device; null for host memory, which ONNX Runtime copies from and to. TensorRT has host memory: an engine may read an input after
    /// it has written an output, so a cache that is updated in place is not safe with it.
    /// </summary>
    /// <param name="device">The device, which a session has been opened on.</param>
    public static IDeviceMemory? Of(Device device) =>
        device.Name == Device.CudaName && CudaRuntime.Load() is CudaRuntime cuda ? new CudaMemory(cuda, device.Id) : null;
}
