using AsArm.Cli.Lines;
using AsArm.Cli.Options;
using AsArm.Inference.Infilling;

namespace AsArm.Cli.Commands;

/// <summary>A parsed call of asarm score.</summary>
internal sealed class ScoreArguments
{
    public required string? Text { get; init; }

    public required string? Input { get; init; }

    public required string? Output { get; init; }

    public required LineFormat? Format { get; init; }

    public required string Model { get; init; }

    public required TextInfillerOptions ModelOptions { get; init; }

    public required ScoreQuery Query { get; init; }

    public required bool Json { get; init; }

    public TextInfiller Open() => TextInfiller.Open(Model, ModelOptions);
}
