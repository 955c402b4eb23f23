using System.Security.Cryptography;
using AsArm.Assd.Models;
using AsArm.Cli.Options;
using AsArm.Cli.Output;
using AsArm.Cli.Streams;
using AsArm.Inference.Infilling;

namespace AsArm.Cli.Commands;

/// <summary>asarm infill TEXT: fills one text, once or for every sample.</summary>
internal sealed class InfillOneText(InfillArguments arguments, string text, CommandStreams streams)
{
    public int Run(CancellationToken cancellationToken)
    {
        if (Ranges.WhyNoSeeds(arguments.Options.Seed, arguments.Samples) is string past)
            throw new UsageException($"--samples: {past}.");
        if (arguments.Json && Ranges.WhyTooManySamples(text, arguments.Samples ?? 1) is string tooMany)
            throw new UsageException($"--samples: {tooMany}, or for plain text.");
        using TextInfiller infiller = arguments.Open();
        var writer = new InfillWriter(infiller.Folder.Name, arguments.Device, streams);
        IEnumerable<InfillOutcome> outcomes = infiller.InfillOutcomes(Requests(), cancellationToken);
        int code = arguments.Json ? WriteJson(writer, [.. outcomes]) : WriteText(writer, outcomes);
        DeviceNotice.Print(infiller, streams.Error);
        return code;
    }

    private IEnumerable<InfillRequest> Requests()
    {
        InfillOptions options = arguments.Options;
        long seed = options.Seed ?? RandomNumberGenerator.GetInt32(int.MaxValue);
        options = options with { DraftMode = options.DraftMode ?? (arguments.Samples is null ? DraftMode.Latency : DraftMode.Throughput) };
        return Enumerable.Range(0, arguments.Samples ?? 1).Select(i => new InfillRequest(text, options with { Seed = seed + i }));
    }

    /// <summary>Each text as soon as it and those before it are done. What is wrong with the text itself already ends the first sample.</summary>
    private int WriteText(InfillWriter writer, IEnumerable<InfillOutcome> outcomes)
    {
        int code = ExitCode.Done;
        foreach ((int index, InfillOutcome outcome) in outcomes.Index())
        {
            if (outcome.Error is ModelOutputException error && arguments.Samples is not null)
            {
                streams.Error.WriteLine($"asarm: sample {index + 1}: {error.Message}");
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
        writer.WriteJson(outcomes, asSamples: arguments.Samples is not null);
        return outcomes.All(outcome => outcome.Error is null) ? ExitCode.Done : ExitCode.Failed;
    }

    private void PrintWarning(InfillResult? result)
    {
        if (result?.Warning is string warning)
            streams.Error.WriteLine($"asarm: {warning}");
    }
}
