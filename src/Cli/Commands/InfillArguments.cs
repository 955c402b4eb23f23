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

    public required bool AllowTf32 { get; init; }

    public required int? Threads { get; init; }

    public required bool UseCache { get; init; }

    public required bool Float32 { get; init; }

    public required int? Samples { get; init; }

    public required bool Json { get; init; }

    public required InfillOptions Options { get; init; }

    public TextInfiller Open() => TextInfiller.Open(
        Model, new TextInfillerOptions { Device = Device, Threads = Threads, UseCache = UseCache, AllowTf32 = AllowTf32, UseFloat32 = Float32 });
}
