using System.CommandLine;
using AsArm.Cli.Options;
using AsArm.Inference.Devices;
using AsArm.Inference.Infilling;
using AsArm.Inference.Text;

namespace AsArm.Cli.Commands;

/// <summary>asarm infill: fills the gaps of a text, or of each line of a file.</summary>
internal static class InfillCommand
{
    /// <summary>Samplers by their names; the first is the default.</summary>
    public static readonly IReadOnlyDictionary<string, SamplerKind> Samplers = new Dictionary<string, SamplerKind>
    {
        ["fused"] = SamplerKind.Fused,
        ["assd"] = SamplerKind.Assd,
        ["ngram"] = SamplerKind.Ngram,
        ["sequential"] = SamplerKind.Sequential,
        ["parallel"] = SamplerKind.Parallel,
    };

    /// <summary>Orders by their names; the first is the default.</summary>
    public static readonly IReadOnlyDictionary<string, DecodingOrder> Orders = new Dictionary<string, DecodingOrder>
    {
        ["left-to-right"] = DecodingOrder.LeftToRight,
        ["right-to-left"] = DecodingOrder.RightToLeft,
        ["random"] = DecodingOrder.Random,
    };

    /// <summary>What decides on the space before a gap, by name; the first is the default.</summary>
    public static readonly IReadOnlyDictionary<string, GapSpacing> Spacings = new Dictionary<string, GapSpacing>
    {
        ["typed"] = GapSpacing.AsTyped,
        ["model"] = GapSpacing.FromModel,
    };

    /// <summary>What fused optimises, by name.</summary>
    public static readonly IReadOnlyDictionary<string, DraftMode> DraftModes = new Dictionary<string, DraftMode>
    {
        ["latency"] = DraftMode.Latency,
        ["throughput"] = DraftMode.Throughput,
    };

    /// <summary>Name of a sampler on the command line.</summary>
    public static string NameOf(SamplerKind sampler) => Samplers.First(pair => pair.Value == sampler).Key;

    public static Command Create()
    {
        var text = new Argument<string?>("TEXT")
        {
            Description = "Text with gaps: <mask> is one unknown token, <mask:N> a gap of N tokens; \\< is a plain <, and \\\\< a backslash before a gap",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Option<string?> input = CommonOptions.Path("--input", "FILE.jsonl|-", "Fill every line {\"text\": \"...\", \"id\": ..., \"seed\": N, ...}; - is standard input (docs/json-lines.md has all fields)");
        Option<string?> output = CommonOptions.Path("--output", "FILE.jsonl|-", "Where the filled lines go, one JSON object each; - is standard output (default)");
        Option<string?> model = CommonOptions.Model();
        Option<Device> device = CommonOptions.Device();
        Option<bool> tf32 = CommonOptions.AllowTf32();
        Option<bool> json = CommonOptions.Json();
        Option<bool> noCache = CommonOptions.NoCache();
        Option<bool> float32 = CommonOptions.Float32();
        Option<SamplerKind> sampler = CommonOptions.Choice("--sampler", "All but parallel are exact: fused drafts and verifies as much as is profitable, assd and ngram are the paper's, sequential commits one token a forward pass; parallel is NOT exact, it verifies nothing", Samplers);
        Option<DecodingOrder> order = CommonOptions.Choice("--order", "The order in which unknown tokens are committed", Orders);
        Option<int?> draftLength = CommonOptions.OptionalNumber("--draft-length", "K", "Tokens drafted in a speculation step (default: fused decides, assd and ngram 5, parallel all)", Ranges.DraftLength);
        Option<double?> temperature = CommonOptions.OptionalNumber("--temperature", "T", "Below 1 safer, above 1 bolder than the model (default 1); 0 is greedy: the most probable tokens, whatever the seed, with their log probability at 1", Ranges.Temperature);
        Option<int?> topK = CommonOptions.OptionalNumber("--top-k", "K", "Draw from the K most probable tokens only", Ranges.TopK);
        Option<double?> topP = CommonOptions.OptionalNumber("--top-p", "P", "Draw from the fewest tokens that together reach probability P", Ranges.TopP);
        Option<GapSpacing> gapSpacing = CommonOptions.Choice("--gap-spacing", "The space before a gap: typed keeps the text as it was typed, model lets the gap's first token decide", Spacings);
        Option<long?> seed = CommonOptions.OptionalNumber("--seed", "S", "The same seed gives the same text; without it one is drawn and printed. With fused, texts of --samples and --input are repeated alone with --draft-mode throughput", Ranges.Seed);
        Option<double?> forwardPassOverhead = CommonOptions.OptionalNumber<double>("--forward-pass-overhead", "TOKENS", "What a forward pass costs beside the tokens it processes, in such tokens; with more of it fused drafts more (default: as asarm.json says, where bench --write puts it)", value => value > 0 && double.IsFinite(value), "a positive number");
        Option<DraftMode?> draftMode = CommonOptions.OptionalChoice("--draft-mode", "What fused optimises: latency for one text, throughput for texts that share forward passes (default: throughput with --samples and --input). The same seed and mode give the same text", DraftModes);
        Option<bool> window = CommonOptions.Window("gap after gap");
        Option<int?> samples = CommonOptions.OptionalNumber("--samples", "N", "Fill the text N times, with the seeds S, S+1, ...", Ranges.Samples);
        Option<int?> threads = CommonOptions.Threads();

        var command = new Command("infill", "Fill the gaps of a text")
        {
            text, input, output, model, sampler, draftLength, temperature, topK, topP, order, gapSpacing, seed, draftMode, forwardPassOverhead, samples, window, device, tf32, threads, noCache, float32, json,
        };
        command.SetAction((parsed, cancellationToken) =>
        {
            var defaults = new InfillOptions();
            var request = new InfillArguments
            {
                Text = parsed.GetValue(text),
                Input = parsed.GetValue(input),
                Output = parsed.GetValue(output),
                Model = parsed.ModelFolder(model),
                Device = parsed.GetValue(device),
                AllowTf32 = parsed.IsTf32(tf32, parsed.GetValue(device)),
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
                },
            };
            return Task.Run(() => request.RunAsync(cancellationToken), cancellationToken);
        });
        return command;
    }
}
