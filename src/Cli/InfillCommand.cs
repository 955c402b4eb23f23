using System.CommandLine;
using AsArm.Inference;

namespace AsArm.Cli;

/// <summary>asarm infill: fills the gaps of a text, or of each line of a file.</summary>
internal static class InfillCommand
{
    private static readonly Dictionary<string, SamplerKind> s_samplers = new()
    {
        ["fused"] = SamplerKind.Fused,
        ["assd"] = SamplerKind.Assd,
        ["ngram"] = SamplerKind.Ngram,
        ["sequential"] = SamplerKind.Sequential,
        ["parallel"] = SamplerKind.Parallel,
    };

    private static readonly Dictionary<string, DecodingOrder> s_orders = new()
    {
        ["left-to-right"] = DecodingOrder.LeftToRight,
        ["right-to-left"] = DecodingOrder.RightToLeft,
        ["random"] = DecodingOrder.Random,
    };

    /// <summary>Name of a sampler on the command line.</summary>
    public static string NameOf(SamplerKind sampler) => s_samplers.First(pair => pair.Value == sampler).Key;

    public static Command Create()
    {
        var text = new Argument<string?>("TEXT")
        {
            Description = "Text with gaps: <mask> is one unknown token, <mask:N> a gap of N tokens; \\< is a plain <",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Option<string?> input = CommonOptions.Path("--input", "FILE.jsonl|-", "Fill every line {\"text\": \"...\", \"seed\": N}; - is standard input");
        Option<string?> output = CommonOptions.Path("--output", "FILE.jsonl|-", "Where the filled lines go, one JSON object each; - is standard output (default)");
        Option<string?> model = CommonOptions.Model();
        Option<Device> device = CommonOptions.Device();
        Option<bool> tf32 = CommonOptions.AllowTf32();
        Option<bool> json = CommonOptions.Json();
        Option<bool> noCache = CommonOptions.NoCache();
        Option<SamplerKind> sampler = CommonOptions.Choice("--sampler", "All but parallel are exact: fused drafts and verifies as much as pays, assd and ngram are the paper's, sequential decides one token a call; parallel is NOT exact, it verifies nothing", s_samplers);
        Option<DecodingOrder> order = CommonOptions.Choice("--order", "The order in which unknown tokens are decided", s_orders);
        Option<int?> draftLength = CommonOptions.OptionalNumber<int>("--draft-length", "K", "Tokens drafted in a round (default: fused plans it, assd and ngram 5, parallel all)", value => value >= 1, "a whole number of at least 1");
        Option<double?> temperature = CommonOptions.OptionalNumber<double>("--temperature", "T", "Below 1 safer, above 1 bolder than the model (default 1)", value => value > 0 && double.IsFinite(value), "a positive number");
        Option<int?> topK = CommonOptions.OptionalNumber<int>("--top-k", "K", "Draw from the K most probable tokens only", value => value >= 1, "a whole number of at least 1");
        Option<double?> topP = CommonOptions.OptionalNumber<double>("--top-p", "P", "Draw from the fewest tokens that together reach probability P", value => value is > 0 and <= 1, "in (0, 1]");
        Option<long?> seed = CommonOptions.OptionalNumber<long>("--seed", "S", "The same seed gives the same text; without it one is drawn and printed. With fused, texts of --samples and --input are repeated alone with --batch-plan", _ => true, "a whole number");
        Option<double?> callCost = CommonOptions.OptionalNumber<double>("--call-cost", "ROWS", "What a model call costs beside its rows, for the plan of fused (default: usual for model and device; bench measures it)", value => value > 0 && double.IsFinite(value), "a positive number");
        var batchPlan = new Option<bool>("--batch-plan") { Description = "Let fused plan as in a batch: repeats one text of --samples or --input by its seed" };
        Option<int?> samples = CommonOptions.OptionalNumber<int>("--samples", "N", "Fill the text N times, with the seeds S, S+1, ...", value => value is >= 1 and <= 10_000, "a whole number from 1 to 10000");
        Option<int?> threads = CommonOptions.OptionalNumber<int>("--threads", "N", "Threads of a CPU run (default: one a core)", value => value is >= 1 and <= 1024, "a whole number of at least 1");

        var command = new Command("infill", "Fill the gaps of a text")
        {
            text, input, output, model, sampler, draftLength, temperature, topK, topP, order, seed, batchPlan, callCost, samples, device, tf32, threads, noCache, json,
        };
        command.SetAction((parsed, cancellation) =>
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
                Samples = parsed.GetValue(samples),
                Json = parsed.GetValue(json),
                Options = defaults with
                {
                    Sampler = parsed.GetValue(sampler),
                    Order = parsed.GetValue(order),
                    DraftLength = parsed.GetValue(draftLength) ?? defaults.DraftLength,
                    Temperature = parsed.GetValue(temperature) ?? defaults.Temperature,
                    TopK = parsed.GetValue(topK),
                    TopP = parsed.GetValue(topP),
                    Seed = parsed.GetValue(seed),
                    CallCostInRows = parsed.GetValue(callCost),
                    InBatch = parsed.GetValue(batchPlan) ? true : null,
                },
            };
            return Task.Run(() => request.Run(cancellation), cancellation);
        });
        return command;
    }
}
