namespace AsArm.Inference;

/// <summary>The devices on which a network can be opened.</summary>
public static class Devices
{
    /// <summary>
    /// The CPU, and CUDA and TensorRT where this build has them and the libraries of NVIDIA that they need are there. Whether a GPU is in the machine shows when one is opened.
    /// </summary>
    /// <exception cref="DeviceNotAvailableException">The application has no native library of ONNX Runtime.</exception>
    public static IReadOnlyList<Device> Available() => [.. Enum.GetValues<Device>().Where(device => ExecutionProvider.Of(device).WhyNot() is null)];

    /// <summary>The device's name on the command line.</summary>
    public static string NameOf(Device device) => device.ToString().ToLowerInvariant();
}
