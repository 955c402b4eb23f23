using AsArm.Inference.Devices;

namespace AsArm.Inference.Onnx.Sessions;

/// <summary>Lists the devices on which a network can be opened.</summary>
public static class AvailableDevices
{
    /// <summary>
    /// The CPU, and CUDA and TensorRT if this build includes them and the NVIDIA libraries that they need can be loaded. The
    /// presence of a GPU is not checked.
    /// </summary>
    /// <exception cref="DeviceNotAvailableException">The application has no native library of ONNX Runtime.</exception>
    public static IReadOnlyList<Device> List() => [.. Enum.GetValues<Device>().Where(device => ExecutionProvider.Of(device).UnavailableReason() is null)];
}
