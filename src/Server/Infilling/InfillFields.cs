using AsArm.Cli.Options;
using AsArm.Inference.Infilling;
using AsArm.Inference.Text;
using AsArm.Server.Configuration;
using AsArm.Server.Fields;
using AsArm.Server.Requests;

namespace AsArm.Server.Infilling;

/// <summary>The fields of /v1/infill: those of a line of docs/json-lines.md, which a test compares, and a few more.</summary>
internal static class InfillFields
{
    private static readonly Field[] s_common =
    [
        SegmentReader.Text,
        new Field("samples", FieldType.Integer, "An array of so many fillings, with the seeds S, S+1, ..."),
        SamplingFields.Seed,
        new Field("sampler", FieldType.Text, "fused, assd, ngram, sequential or parallel."),
        new Field("order", FieldType.Text, "left-to-right, right-to-left or random."),
        SamplingFields.Temperature,
        SamplingFields.TopK,
        SamplingFields.TopP,
        new Field("draft_length", FieldType.Integer, "Tokens drafted in a speculation step, at least 1."),
        new Field("draft_mode", FieldType.Text, "latency or throughput."),
        new Field("gap_spacing", FieldType.Text, "typed or model: what decides on the space before a gap."),
        new Field("window", FieldType.Flag, "Fills a text that is longer than the model takes window by window."),
        new Field("min_probability", FieldType.Number, "In (0, 1]: a gap whose filling is less probable stays open."),
        new Field("token_details", FieldType.Flag, "Lists the tokens of each gap in gap_details, with the entropies of their distributions."),
        new Field("length_method", FieldType.Text, "How unknown lengths are found: evidence, or open-gaps for models that were trained with them."),
        new Field("length_prior", FieldType.Text, "What is known of unknown lengths: learnt, flat, poisson:MEAN or given:WEIGHT,WEIGHT,..."),
        new Field("length_fillings", FieldType.Integer, "Fillings of each length over which its evidence is averaged, 1 to 16."),
        new Field("length_suffix", FieldType.Integer, "Tokens after a gap that are looked at for its length, 1 to 64."),
        new Field("only", FieldType.Texts, "Words that gaps are made of."),
        new Field("no_punctuation", FieldType.Flag, "Gaps without punctuation and symbols."),
        new Field("no_digits", FieldType.Flag, "Gaps without digits."),
        new Field("no_capitals", FieldType.Flag, "Gaps without capital letters."),
        new Field("particles", FieldType.Integer, "Weighted samples from which a gap with a condition is resampled, 1 to 10000."),
        SamplingFields.LogitBias,
        SegmentReader.Segments,
        new Field("id", FieldType.Any, "Any value, which is answered as it is."),
        new Field("scores", FieldType.Flag, "Answers with the tokens of each gap, their places and log-probabilities, in token_scores."),
    ];

    /// <summary>Of a request with one text.</summary>
    public static FieldList Request { get; } = new(
        "text",
        [
            SamplingFields.Model,
            .. s_common,
            new Field("stream", FieldType.Flag, "Answers with an object after each forward pass: lines, or events where the client accepts text/event-stream."),
        ]);

    /// <summary>Of a line of several.</summary>
    public static FieldList Line { get; } = new("text", s_common);

    /// <summary>The options of a request.</summary>
    public static InfillOptions OptionsOf(FieldValues values, ServerOptions server, int vocabularySize)
    {
        InfillOptions options = SamplingFields.Read(values, server, vocabularySize);
        return options with
        {
            Sampler = values.Choice("sampler", ChoiceNames.Samplers) ?? SamplerKind.Fused,
            Order = values.Choice("order", ChoiceNames.Orders) ?? DecodingOrder.LeftToRight,
            GapSpacing = values.Choice("gap_spacing", ChoiceNames.Spacings) ?? default,
            DraftLength = values.Number("draft_length", Ranges.DraftLength),
            DraftMode = values.Choice("draft_mode", ChoiceNames.DraftModes),
            Window = values.Flag("window"),
            MinProbability = values.Number("min_probability", Ranges.MinProbability),
            Entropies = values.Flag("token_details"),
            OnlyWords = WordsOf(values),
            ExcludedCharacters = ChoiceNames.Excluded(values.Flag("no_punctuation"), values.Flag("no_digits"), values.Flag("no_capitals")),
            Particles = values.Number("particles", Ranges.Particles) ?? options.Particles,
            Lengths = options.Lengths with
            {
                Method = values.Choice("length_method", ChoiceNames.LengthMethods) ?? options.Lengths.Method,
                Prior = values.Parsed("length_prior", ChoiceNames.PriorOf, ChoiceNames.PriorText) ?? options.Lengths.Prior,
                Fillings = values.Number("length_fillings", Ranges.LengthFillings) ?? options.Lengths.Fillings,
                SuffixTokens = values.Number("length_suffix", Ranges.LengthSuffix) ?? options.Lengths.SuffixTokens,
            },
        };
    }

    private static WordList? WordsOf(FieldValues values)
    {
        if (!values.Has("only"))
            return null;
        try
        {
            return new WordList(values.Texts("only"));
        }
        catch (ArgumentException error)
        {
            throw values.Error("only", $"is no list of words: {error.Message.Split(" (Parameter")[0]}");
        }
    }
}
