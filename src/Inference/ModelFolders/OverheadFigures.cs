using System.Text.Json.Serialization;
using AsArm.Inference.Devices;

namespace AsArm.Inference.ModelFolders;

/// <summary>The forward-pass overhead by class of device; null where it was not measured.</summary>
internal sealed record OverheadFigures
{
    /// <summary>On a CPU.</summary>
    public PassOverhead? Cpu { get; init; }

    /// <summary>On an NVIDIA GPU through CUDA.</summary>
    public PassOverhead? Cuda { get; init; }

    /// <summary>On an NVIDIA GPU through TensorRT.</summary>
    [JsonPropertyName("tensorrt")]
    public PassOverhead? TensorRT { get; init; }

    /// <summary>The overhead on a device.</summary>
    public PassOverhead? Of(Device device) => device switch
    {
        Device.Cpu => Cpu,
        Device.Cuda => Cuda,
        Device.TensorRT => TensorRT,
        _ => null,
    };

    /// <summary>A copy with another overhead for one device.</summary>
    public OverheadFigures With(Device device, PassOverhead overhead) => device switch
    {
        Device.Cpu => this with { Cpu = overhead },
        Device.Cuda => this with { Cuda = overhead },
        Device.TensorRT => this with { TensorRT = overhead },
        _ => throw new ArgumentOutOfRangeException(nameof(device)),
    };

    /// <summary>The name of the first field that is out of range; null if all are valid.</summary>
    internal string? FirstInvalidField()
    {
        foreach (Device device in Enum.GetValues<Device>())
        {
            if (Of(device) is PassOverhead overhead && !(DraftingFigures.IsFactor(overhead.Alone) && DraftingFigures.IsFactor(overhead.Batch)))
                return DeviceNames.NameOf(device);
        }

        return null;
    }
}
