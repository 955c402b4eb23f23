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

    /// <summary>Those that were measured.</summary>
    internal IEnumerable<(Device Device, PassOverhead Overhead)> All =>
        from device in Device.WellKnown
        let one = Of(device)
        where one is not null
        select (device, one);

    /// <summary>The overhead on a device, whatever its number; null for the devices of other providers.</summary>
    public PassOverhead? Of(Device device) => device.Name switch
    {
        Device.CpuName => Cpu,
        Device.CudaName => Cuda,
        Device.TensorRTName => TensorRT,
        _ => null,
    };

    /// <summary>A copy with another overhead for one class of device.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is of another provider.</exception>
    public OverheadFigures With(Device device, PassOverhead overhead) => device.Name switch
    {
        Device.CpuName => this with { Cpu = overhead },
        Device.CudaName => this with { Cuda = overhead },
        Device.TensorRTName => this with { TensorRT = overhead },
        _ => throw new ArgumentOutOfRangeException(nameof(device), device, "asarm.json has forward-pass overheads of cpu, cuda and tensorrt only."),
    };

    /// <summary>The name of the first field that is out of range; null if all are valid.</summary>
    internal string? FirstInvalidField() =>
        All.Where(one => !(DraftingFigures.IsFactor(one.Overhead.Alone) && DraftingFigures.IsFactor(one.Overhead.Batch))).Select(one => one.Device.Name).FirstOrDefault();
}
