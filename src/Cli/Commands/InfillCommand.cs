using System.CommandLine;
using AsArm.Cli.Options;
using AsArm.Cli.Streams;
using AsArm.Inference.Devices;
using AsArm.Inference.Infilling;
using AsArm.Inference.Text;

namespace AsArm.Cli.Commands;

/// <summary>asarm infill: fills the gaps of a text, or of each line of a file.</summary>
internal static class InfillCommand
{
    public static Command Create()
    {
        var text = new Argument<string?>("TEXT")
        {
            Description = "Text with gaps: <mask> is one unknown token, <mask:N> a gap of N tokens, <mask:A-B> and <mask:*> a gap of unknown length; \\< is a plain <, and \\\\< a backslash before a gap",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Option<string?> input = CommonOptions.Path("--input", "FILE.jsonl|-", "Fill every line {\"text\": \"...\", \"id\": ..., \"seed\": N, ...}; - is standard input (docs/json-lines.md has all fields)");
        Option<string?> output = CommonOptions.Path("--output", "FILE.jsonl|-", "Where the filled lines go, one JSON object each; - is standard output (default)");
        Option<string?> model = CommonOptions.Model();
        var devices = new DeviceArguments();
        Option<bool> json = CommonOptions.Json();
        Option<bool> noCache = CommonOptions.NoCache();
        Option<bool> float32 = CommonOptions.Float32();
        Option<SamplerKind> sampler = CommonOptions.Choice("--sampler", "All but parallel are exact: fused drafts and verifies as much as is profitable, assd and ngram are the paper's, sequential commits one token per forward pass; parallel is NOT exact, it verifies nothing", ChoiceNames.Samplers);
        Option<DecodingOrder> order = CommonOptions.Choice("--order", "The order in which unknown tokens are committed", ChoiceNames.Orders);
        Option<int?> draftLength = CommonOptions.OptionalNumber("--draft-length", "K", "Tokens drafted in a speculation step (default: fused chooses, assd and ngram 5, parallel all)", Ranges.DraftLength);
        Option<double?> temperature = CommonOptions.OptionalNumber("--temperature", "T", "Divides the logits: below 1 sharper, above 1 flatter than the model's distribution (default 1); 0 is greedy decoding, whatever the seed, with the log probability at temperature 1", Ranges.Temperature);
        Option<int?> topK = CommonOptions.OptionalNumber("--top-k", "K", "Sample from the K most probable tokens only", Ranges.TopK);
        Option<double?> topP = CommonOptions.OptionalNumber("--top-p", "P", "Sample from the fewest tokens that together reach probability P", Ranges.TopP);
        Option<GapSpacing> gapSpacing = CommonOptions.Choice("--gap-spacing", "The space before a gap: typed keeps the text as it was typed, model leaves it to the gap's first token", ChoiceNames.Spacings);
        Option<long?> seed = CommonOptions.OptionalNumber("--seed", "S", "The same seed gives the same text; without it a random one is used and printed. With fused, a text of --samples or --input is reproduced alone with --draft-mode throughput", Ranges.Seed);
        Option<double?> forwardPassOverhead = CommonOptions.OptionalNumber<double>("--forward-pass-overhead", "TOKENS", "Fixed cost of a forward pass, in units of the cost of a token that it processes; the higher it is, the more fused drafts (default: from asarm.json, where bench --write stores it)", value => value > 0 && double.IsFinite(value), "a positive number");
        Option<DraftMode?> draftMode = CommonOptions.OptionalChoice("--draft-mode", "What fused optimises: latency for one text, throughput for texts that share forward passes (default: throughput with --samples and --input). The same seed and mode give the same text", ChoiceNames.DraftModes);
        Option<bool> window = CommonOptions.Window("fill gap after gap, each");
        Option<double?> minProbability = CommonOptions.OptionalNumber("--min-probability", "P", "Abstain where the model is not sure: a gap whose filling is less probable (after temperature, top-k and top-p) stays open, and the text is printed as markup, which can be filled again", Ranges.MinProbability);
        var lengths = new LengthArguments(hasMethods: true);
        var tokenDetails = new Option<bool>("--token-details") { Arity = ArgumentArity.Zero, Description = "Tell the log probability of each token, and the entropy of its distribution" };
        Option<string?> only = CommonOptions.Path("--only", "FILE", "Words that gaps are made of, one a line, whatever their case; gaps with choices excepted (docs/gaps.md)");
        Option<bool> noPunctuation = CommonOptions.Flag("--no-punctuation", "Gaps without punctuation and symbols");
        Option<bool> noDigits = CommonOptions.Flag("--no-digits", "Gaps without digits");
        Option<bool> noCapitals = CommonOptions.Flag("--no-capitals", "Gaps without capital letters");
        Option<int?> particles = CommonOptions.OptionalNumber("--particles", "N", "Weighted samples from which a gap with a condition is resampled where no sample was kept exactly (default 64)", Ranges.Particles);
        Option<int?> samples = CommonOptions.OptionalNumber("--samples", "N", "Fill the text N times, with the seeds S, S+1, ...", Ranges.Samples);
        Option<int?> threads = CommonOptions.Threads();

        var command = new Command("infill", "Fill the gaps of a text")
        {
            text, input, output, model, sampler, draftLength, temperature, topK, topP, order, gapSpacing, seed, draftMode, forwardPassOverhead, minProbability, samples, tokenDetails, window, only, noPunctuation, noDigits, noCapitals, particles, threads, noCache, float32, json,
        };
        foreach (Option option in (Option[])[.. lengths.Options, .. devices.Options])
            command.Add(option);
        command.SetAction((parsed, cancellationToken) =>
        {
            var defaults = new InfillOptions();
            (Device device, DeviceOptions deviceOptions) = devices.Of(parsed);
            var request = new InfillArguments
            {
                Text = ArgumentText.Of(parsed, text),
                Input = parsed.GetValue(input),
                Output = parsed.GetValue(output),
                Model = parsed.ModelFolder(model),
                Device = device,
                DeviceOptions = deviceOptions,
                Threads = parsed.GetValue(threads),
                UseCache = !parsed.GetValue(noCache),
                Float32 = parsed.GetValue(float32),
                Samples = parsed.GetValue(samples),
                Json = parsed.GetValue(json),
                Options = defaults with
                {
                    Sampler = parsed.GetValue(sampler),
                    Order = parsed.GetValue(order),
                    GapSpacing = parsed.GetValue(gapSpacing),
                    DraftLength = parsed.GetValue(draftLength) ?? defaults.DraftLength,
                    Temperature = parsed.GetValue(temperature) ?? defaults.Temperature,
                    TopK = parsed.GetValue(topK),
                    TopP = parsed.GetValue(topP),
                    Seed = parsed.GetValue(seed),
                    ForwardPassOverhead = parsed.GetValue(forwardPassOverhead),
                    Window = parsed.GetValue(window),
                    DraftMode = parsed.GetValue(draftMode),
                    MinProbability = parsed.GetValue(minProbability),
                    Entropies = parsed.GetValue(tokenDetails),
                    Lengths = lengths.Of(parsed),
                    OnlyWords = parsed.GetValue(only) is string words ? WordList.Read(words) : null,
                    ExcludedCharacters = ChoiceNames.Excluded(parsed.GetValue(noPunctuation), parsed.GetValue(noDigits), parsed.GetValue(noCapitals)),
                    Particles = parsed.GetValue(particles) ?? defaults.Particles,
                },
            };
            CommandStreams streams = CommandConfiguration.StreamsOf(parsed);
            return Task.Run(() => RunAsync(request, streams, cancellationToken), cancellationToken);
        });
        return command;
    }

    private static async Task<int> RunAsync(InfillArguments arguments, CommandStreams streams, CancellationToken cancellationToken)
    {
        if (arguments.Text is null == arguments.Input is null)
            throw new UsageException("infill takes either a TEXT or --input.");
        if (arguments.Input is not null)
        {
            if (arguments.Samples is not null)
                throw new UsageException("--samples goes with a TEXT; in the lines of --input it is the field \"samples\".");
            return await new InfillLines(arguments, arguments.Input, streams).RunAsync(cancellationToken);
        }

        if (arguments.Output is not null)
            throw new UsageException("--output goes with --input.");
        return new InfillOneText(arguments, arguments.Text!, streams).Run(cancellationToken);
    }
}
