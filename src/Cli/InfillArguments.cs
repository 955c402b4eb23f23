using System.Security.Cryptography;
using AsArm.Inference;

namespace AsArm.Cli;

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

    public required int? Samples { get; init; }

    public required bool Json { get; init; }

    public required InfillOptions Options { get; init; }

    public int Run(CancellationToken cancellation)
    {
        if (Text is null == Input is null)
            throw new UsageException("infill takes either a TEXT or --input.");
        if (Input is not null)
        {
            if (Samples is not null)
                throw new UsageException("--samples goes with a TEXT; put a line per sample into the input file.");
            return new InfillLines(this).Run(cancellation);
        }

        if (Output is not null)
            throw new UsageException("--output goes with --input.");
        ArgumentText.RequireValid(Text!);
        using TextInfiller infiller = Open();
        long seed = Options.Seed ?? RandomNumberGenerator.GetInt32(int.MaxValue);
        IReadOnlyList<InfillResult> results = infiller.InfillBatch(
            [.. Enumerable.Range(0, Samples ?? 1).Select(i => new InfillRequest(Text!, Options with { Seed = seed + i, InBatch = Samples is null ? Options.InBatch : true }))], cancellation);
        var writer = new InfillWriter(infiller.Folder.Name, Options.Sampler, Device);
        if (Json)
            writer.WriteJson(results, asArray: Samples is not null);
        else
            writer.WriteText(results);
        return ExitCode.Done;
    }

    public TextInfiller Open() => TextInfiller.Open(Model, Device, Threads, UseCache, AllowTf32);
}
