using AsArm.Inference.Devices;

namespace AsArm.Inference.Onnx.Sessions;

/// <summary>The devices on which a network can be opened.</summary>
public static class AvailableDevices
{
    /// <summary>
    /// The CPU, and CUDA and TensorRT where this build has them and the libraries of NVIDIA that they need are there. Whether a GPU is in the machine shows when one is opened.
    /// </summary>
    /// <exception cref="DeviceNotAvailableException">The application has no native library of ONNX Runtime.</exception>
    public static IReadOnlyList<Device> List() => [.. Enum.GetValues<Device>().Where(device => ExecutionProvider.Of(device).WhyNot() is null)];
}
