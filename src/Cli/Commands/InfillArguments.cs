using System.Security.Cryptography;
using AsArm.Assd.Models;
using AsArm.Cli.Options;
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

    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        if (Text is null == Input is null)
            throw new UsageException("infill takes either a TEXT or --input.");
        if (Input is not null)
        {
            if (Samples is not null)
                throw new UsageException("--samples goes with a TEXT; in the lines of --input it is the field \"samples\".");
            return await new InfillLines(this).RunAsync(cancellationToken);
        }

        if (Output is not null)
            throw new UsageException("--output goes with --input.");
        ArgumentText.RequireValid(Text!);
        if (Json && Ranges.WhyTooManySamples(Text!, Samples ?? 1) is string tooMany)
            throw new UsageException($"--samples: {tooMany}, or for plain text.");
        using TextInfiller infiller = Open();
        var writer = new InfillWriter(infiller.Folder.Name, Device);
        IEnumerable<InfillOutcome> outcomes = infiller.InfillOutcomes(Requests(), cancellationToken);
        return Json ? WriteJson(writer, [.. outcomes]) : WriteText(writer, outcomes);
    }

    public TextInfiller Open() => TextInfiller.Open(Model, Device, Threads, UseCache, AllowTf32, Float32);

    private IEnumerable<InfillRequest> Requests()
    {
        long seed = Options.Seed ?? RandomNumberGenerator.GetInt32(int.MaxValue);
        InfillOptions options = Options with { DraftMode = Options.DraftMode ?? (Samples is null ? DraftMode.Latency : DraftMode.Throughput) };
        return Enumerable.Range(0, Samples ?? 1).Select(i => new InfillRequest(Text!, options with { Seed = seed + i }));
    }

    /// <summary>Each text as soon as it and those before it are there. What is wrong with the text itself ends the first sample already.</summary>
    private int WriteText(InfillWriter writer, IEnumerable<InfillOutcome> outcomes)
    {
        int code = ExitCode.Done;
        foreach ((int index, InfillOutcome outcome) in outcomes.Index())
        {
            if (outcome.Error is ModelOutputException error && Samples is not null)
            {
                Console.Error.WriteLine($"asarm: sample {index + 1}: {error.Message}");
                code = ExitCode.Failed;
            }
            else
            {
                PrintWarning(index == 0 ? outcome.Result : null); // the samples of a text share it
                writer.WriteText(outcome);
            }
        }

        return code;
    }

    private int WriteJson(InfillWriter writer, IReadOnlyList<InfillOutcome> outcomes)
    {
        if (outcomes.All(outcome => outcome.Error is not null))
            outcomes[0].ResultOrThrow();
        PrintWarning(outcomes.Select(outcome => outcome.Result).First(result => result is not null));
        writer.WriteJson(outcomes, asArray: Samples is not null);
        return outcomes.All(outcome => outcome.Error is null) ? ExitCode.Done : ExitCode.Failed;
    }

    private static void PrintWarning(InfillResult? result)
    {
        if (result?.Warning is string warning)
            Console.Error.WriteLine($"asarm: {warning}");
    }
}
