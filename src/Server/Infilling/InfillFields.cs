using AsArm.Cli.Options;
using AsArm.Inference.Infilling;
using AsArm.Server.Configuration;
using AsArm.Server.Fields;
using AsArm.Server.Requests;

namespace AsArm.Server.Infilling;

/// <summary>The fields of /v1/infill: those of a line of docs/json-lines.md, and a few more.</summary>
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
    public static InfillOptions OptionsOf(FieldValues values, ServerOptions server, int vocabularySize) => SamplingFields.Read(values, server, vocabularySize) with
    {
        Sampler = values.Choice("sampler", ChoiceNames.Samplers) ?? SamplerKind.Fused,
        Order = values.Choice("order", ChoiceNames.Orders) ?? DecodingOrder.LeftToRight,
        GapSpacing = values.Choice("gap_spacing", ChoiceNames.Spacings) ?? default,
        DraftLength = values.Number("draft_length", Ranges.DraftLength),
        DraftMode = values.Choice("draft_mode", ChoiceNames.DraftModes),
        Window = values.Flag("window"),
    };
}
