using AsArm.Inference.Devices;
using AsArm.Inference.Infilling;

namespace AsArm.Cli.Commands;

/// <summary>A parsed call of asarm infill.</summary>
internal sealed class InfillArguments
{
    public required string? Text { get; init; }

    public required string? Input { get; init; }

    public required string? Output { get; init; }

    public required string Model { get; init; }

    public required Device Device { get; init; }

    public required DeviceOptions DeviceOptions { get; init; }

    public required int? Threads { get; init; }

    public required bool UseCache { get; init; }

    public required bool Float32 { get; init; }

    public required int? Samples { get; init; }

    public required bool Json { get; init; }

    public required InfillOptions Options { get; init; }

    public TextInfiller Open() => TextInfiller.Open(
        Model, new TextInfillerOptions { Device = Device, DeviceOptions = DeviceOptions, Threads = Threads, UseCache = UseCache, UseFloat32 = Float32 });
}
