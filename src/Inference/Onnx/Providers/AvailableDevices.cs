using AsArm.Inference.Devices;

namespace AsArm.Inference.Onnx.Providers;

/// <summary>Lists the devices on which a network can be opened.</summary>
public static class AvailableDevices
{
    /// <summary>
    /// The CPU; CUDA and TensorRT if this build includes them and the NVIDIA libraries that they need can be loaded, where the presence of a GPU is not
    /// checked; and the devices of libraries that are registered with ONNX Runtime, that of <see cref="DeviceOptions.LibraryVariable" /> included.
    /// </summary>
    /// <exception cref="DeviceNotAvailableException">The application has no native library of ONNX Runtime.</exception>
    public static IReadOnlyList<Device> List()
    {
        string? library = ProviderLibraries.PathOf(new DeviceOptions());
        IEnumerable<Device> known = Device.WellKnown.Where(device => ExecutionProvider.Of(device) is var provider && (provider.Find(library, out _) ?? provider.Find(null, out _)) is not null);
        return [.. known.Union(Registered())];
    }

    /// <summary>Devices of registered libraries that are of no well-known provider.</summary>
    private static IEnumerable<Device> Registered()
    {
        foreach (string name in OnnxEnvironment.Get().GetEpDevices().Select(device => device.EpName).Distinct())
        {
            if (!Device.WellKnown.Any(known => ExecutionProvider.Of(known).Names.Contains(name)) && Device.TryParse(name, out Device device))
                yield return device;
        }
    }
}
