using System.Text.Json.Serialization;
using AsArm.Inference.Devices;

namespace AsArm.Inference.ModelFolders;

/// <summary>What a forward pass costs beside its tokens, by class of device; null where nobody measured it.</summary>
public sealed record OverheadFigures
{
    /// <summary>On a CPU.</summary>
    public PassOverhead? Cpu { get; init; }

    /// <summary>On an NVIDIA GPU through CUDA.</summary>
    public PassOverhead? Cuda { get; init; }

    /// <summary>On an NVIDIA GPU through TensorRT.</summary>
    [JsonPropertyName("tensorrt")]
    public PassOverhead? TensorRT { get; init; }

    /// <summary>That of a device.</summary>
    public PassOverhead? Of(Device device) => device switch
    {
        Device.Cpu => Cpu,
        Device.Cuda => Cuda,
        Device.TensorRT => TensorRT,
        _ => null,
    };

    /// <summary>The same with another figure for a device.</summary>
    public OverheadFigures With(Device device, PassOverhead overhead) => device switch
    {
        Device.Cpu => this with { Cpu = overhead },
        Device.Cuda => this with { Cuda = overhead },
        Device.TensorRT => this with { TensorRT = overhead },
        _ => throw new ArgumentOutOfRangeException(nameof(device)),
    };

    /// <summary>The first field that is out of its range; null if none is.</summary>
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
