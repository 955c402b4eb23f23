using AsArm.Assd;

namespace AsArm.Inference.Devices;

/// <summary>The requested device is not available; the message lists the available ones and how to add it.</summary>
public sealed class DeviceNotAvailableException : AsArmException
{
    /// <summary>A message in one line.</summary>
    public DeviceNotAvailableException(string message)
        : base(message)
    {
    }

    /// <summary>A message in one line, with the exception that caused it.</summary>
    public DeviceNotAvailableException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
