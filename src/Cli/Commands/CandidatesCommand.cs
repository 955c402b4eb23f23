using System.CommandLine;
using AsArm.Cli.Options;
using AsArm.Cli.Output;
using AsArm.Cli.Streams;
using AsArm.Inference.Devices;
using AsArm.Inference.Infilling;
using AsArm.Inference.Text;

namespace AsArm.Cli.Commands;

/// <summary>asarm candidates: the most probable fillings of each gap of a text.</summary>
internal static class CandidatesCommand
{
    public static Command Create()
    {
        var text = new Argument<string?>("TEXT") { Description = "Text with gaps of a given number of tokens, or one gap of unknown length, as infill takes it" };
        Option<int?> top = CommonOptions.OptionalNumber("--top", "K", $"How many fillings (default {CandidateOptions.DefaultCount}); of gaps of several tokens at most {CandidateOptions.MaxBeams}", Ranges.Candidates);
        Option<int?> beams = CommonOptions.OptionalNumber("--beams", "B", $"Beginnings that are kept in the search for fillings of several tokens, K at least: more take longer and miss less (default {CandidateOptions.DefaultBeams})", Ranges.Beams);
        var lengths = new LengthArguments(hasMethods: false);
        Option<GapSpacing> gapSpacing = CommonOptions.Choice("--gap-spacing", "The space before a gap: typed keeps the text as it was typed, model leaves it to the gap's first token", ChoiceNames.Spacings);
        Option<string?> model = CommonOptions.Model();
        var devices = new DeviceArguments();
        Option<bool> noCache = CommonOptions.NoCache();
        Option<bool> float32 = CommonOptions.Float32();
        Option<bool> json = CommonOptions.Json();
        var command = new Command("candidates", "The most probable fillings of each gap, with their probabilities") { text, top, beams, gapSpacing, model, noCache, float32, json };
        foreach (Option option in (Option[])[.. lengths.Options, .. devices.Options])
            command.Add(option);
        command.SetAction((parsed, cancellationToken) =>
        {
            string given = ArgumentText.Of(parsed, text)!;
            (Device device, DeviceOptions deviceOptions) = devices.Of(parsed);
            var options = new CandidateOptions
            {
                Count = parsed.GetValue(top) ?? CandidateOptions.DefaultCount,
                Beams = parsed.GetValue(beams) ?? CandidateOptions.DefaultBeams,
                GapSpacing = parsed.GetValue(gapSpacing),
                Lengths = lengths.Of(parsed),
            };
            var modelOptions = new TextInfillerOptions { Device = device, DeviceOptions = deviceOptions, UseCache = !parsed.GetValue(noCache), UseFloat32 = parsed.GetValue(float32) };
            CommandStreams streams = CommandConfiguration.StreamsOf(parsed);
            return Task.Run(() => RunAsync(given, options, parsed.ModelFolder(model), modelOptions, parsed.GetValue(json), streams, cancellationToken), cancellationToken);
        });
        return command;
    }

    private static async Task<int> RunAsync(
        string text, CandidateOptions options, string model, TextInfillerOptions modelOptions, bool json, CommandStreams streams, CancellationToken cancellationToken)
    {
        InfillPrompt prompt = InfillPrompt.Parse(text);
        TextSegment.Gap[] gaps = [.. prompt.Segments.OfType<TextSegment.Gap>()];
        if (options.Count > CandidateOptions.MaxBeams && gaps.Any(gap => gap.Count > 1))
            throw new UsageException($"--top must be at most {CandidateOptions.MaxBeams} where a gap has several tokens.");
        CandidateWork.RequireSequences(gaps, options);
        using TextInfiller infiller = TextInfiller.Open(model, modelOptions);
        IReadOnlyList<GapCandidates> found = await infiller.CandidateFillingsAsync(prompt, options, cancellationToken);
        DeviceNotice.Print(infiller, streams.Error);
        if (prompt.Warning is string warning)
            streams.Error.WriteLine($"asarm: {warning}");
        string[] markup = [.. gaps.Select(gap => gap.Specification.ToString())];
        var writer = new CandidateWriter(markup, found, streams);
        if (json)
            writer.WriteJson(infiller.Folder.Name, modelOptions.Device);
        else
            writer.WriteTables();
        return ExitCode.Done;
    }
}
