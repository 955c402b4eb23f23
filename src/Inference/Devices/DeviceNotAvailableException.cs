namespace AsArm.Inference.Devices;

/// <summary>The device that was asked for is not there; the message says which are and how to add it.</summary>
public sealed class DeviceNotAvailableException : Exception
{
    /// <summary>A message in one line.</summary>
    public DeviceNotAvailableException(string message)
        : base(message)
    {
    }

    /// <summary>A message in one line, with what caused it.</summary>
    public DeviceNotAvailableException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
