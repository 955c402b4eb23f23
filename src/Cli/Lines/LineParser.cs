using System.Security.Cryptography;
using System.Text.Json;
using AsArm.Cli.Options;
using AsArm.Inference.Infilling;
using AsArm.Inference.Text;

namespace AsArm.Cli.Lines;

/// <summary>Reads the fields of a line of JSON; docs/json-lines.md is their contract.</summary>
/// <param name="defaults">The options of the command line, for what a line leaves out.</param>
internal sealed class LineParser(InfillOptions defaults)
{
    private static readonly string[] s_fields =
    [
        "text", "id", "samples", "seed", "sampler", "order", "temperature", "top_k", "top_p", "draft_length", "gap_spacing", "window",
        "min_probability", "token_details", "length_method", "length_prior", "length_fillings", "length_suffix",
        "only", "no_punctuation", "no_digits", "no_capitals", "particles",
    ];

    /// <summary>The line with its requests, or with what is wrong with it.</summary>
    public InfillLine Parse(RawLine raw)
    {
        var line = new InfillLine(raw.Number);
        line.Error = LineFields.Read(raw, root => Read(root, line));
        return line;
    }

    private void Read(JsonElement root, InfillLine line)
    {
        line.Id = LineFields.IdOf(root); // before anything can be wrong
        var fields = new LineFields(root, s_fields);
        string content = fields.Text;
        InfillOptions options = OptionsOf(fields, line.Number);
        int? samples = fields.Number("samples", Ranges.Samples);
        line.HasSamples = samples is not null;
        if (Ranges.WhyTooManySamples(content, samples ?? 1) is string tooMany)
            throw new FormatException(tooMany);
        line.Requests = RequestsOf(content, options, samples);
        line.Characters = (long)content.Length * line.Requests.Count;
    }

    private static InfillRequest[] RequestsOf(string text, InfillOptions options, int? samples)
    {
        if (samples is null)
            return [new InfillRequest(text, options)];
        if (Ranges.WhyNoSeeds(options.Seed, samples) is string past)
            throw new FormatException(past);
        long seed = options.Seed ?? RandomNumberGenerator.GetInt32(int.MaxValue);
        return [.. Enumerable.Range(0, samples.Value).Select(i => new InfillRequest(text, options with { Seed = seed + i }))];
    }

    private InfillOptions OptionsOf(LineFields fields, long line) => defaults with
    {
        Seed = fields.Number("seed", Ranges.Seed) ?? defaults.Seed + line - 1,
        Sampler = fields.Choice("sampler", ChoiceNames.Samplers) ?? defaults.Sampler,
        Order = fields.Choice("order", ChoiceNames.Orders) ?? defaults.Order,
        Window = fields.Flag("window") ?? defaults.Window,
        GapSpacing = fields.Choice("gap_spacing", ChoiceNames.Spacings) ?? defaults.GapSpacing,
        Temperature = fields.Number("temperature", Ranges.Temperature) ?? defaults.Temperature,
        TopK = fields.Number("top_k", Ranges.TopK) ?? defaults.TopK,
        TopP = fields.Number("top_p", Ranges.TopP) ?? defaults.TopP,
        DraftLength = fields.Number("draft_length", Ranges.DraftLength) ?? defaults.DraftLength,
        MinProbability = fields.Number("min_probability", Ranges.MinProbability) ?? defaults.MinProbability,
        Entropies = fields.Flag("token_details") ?? defaults.Entropies,
        OnlyWords = fields.Words("only") ?? defaults.OnlyWords,
        ExcludedCharacters = ChoiceNames.Excluded(
            fields.Flag("no_punctuation") ?? defaults.ExcludedCharacters.HasFlag(CharacterKinds.Punctuation),
            fields.Flag("no_digits") ?? defaults.ExcludedCharacters.HasFlag(CharacterKinds.Digits),
            fields.Flag("no_capitals") ?? defaults.ExcludedCharacters.HasFlag(CharacterKinds.Capitals)),
        Particles = fields.Number("particles", Ranges.Particles) ?? defaults.Particles,
        Lengths = defaults.Lengths with
        {
            Method = fields.Choice("length_method", ChoiceNames.LengthMethods) ?? defaults.Lengths.Method,
            Prior = fields.Parsed("length_prior", ChoiceNames.PriorOf, ChoiceNames.PriorText) ?? defaults.Lengths.Prior,
            Fillings = fields.Number("length_fillings", Ranges.LengthFillings) ?? defaults.Lengths.Fillings,
            SuffixTokens = fields.Number("length_suffix", Ranges.LengthSuffix) ?? defaults.Lengths.SuffixTokens,
        },
    };
}
