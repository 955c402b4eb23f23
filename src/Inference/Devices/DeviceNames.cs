namespace AsArm.Inference.Devices;

/// <summary>Names of devices, as the command line and asarm.json spell them.</summary>
public static class DeviceNames
{
    /// <summary>cpu, cuda or tensorrt.</summary>
    public static string NameOf(Device device) => device.ToString().ToLowerInvariant();
}
