using AsArm.Inference.Infilling;
using AsArm.Inference.Text;
using AsArm.Server.Configuration;
using AsArm.Server.Fields;
using AsArm.Server.Models;
using AsArm.Server.Requests;

namespace AsArm.Server.Infilling;

/// <summary>POST /v1/candidates: the most probable tokens of gaps of one token.</summary>
internal static class CandidatesEndpoint
{
    private const int MaxCount = 1000;

    public static FieldList Fields { get; } = new(
        "text",
        [
            SamplingFields.Model,
            new Field("text", FieldType.Text, "A text with gaps of one token, <mask>."),
            SegmentReader.Segments,
            new Field("count", FieldType.Integer, "Candidates for each gap, 1 to 1000. Default 5."),
            SamplingFields.Temperature,
            SamplingFields.TopK,
            SamplingFields.TopP,
            SamplingFields.LogitBias,
            new Field("gap_spacing", FieldType.Text, "typed or model: what decides on the space before a gap."),
        ]);

    public static async Task HandleAsync(HttpContext context, ModelPool models, ServerOptions options)
    {
        FieldValues values = await RequestBody.ReadAsync(context, Fields);
        using ModelLease model = await models.RentAsync(context, values.Text("model"));
        InfillOptions sampling = SamplingFields.Read(values, options, model.Infiller.Model.VocabularySize);
        var candidates = new CandidateOptions
        {
            Count = values.Integer("count", 1, MaxCount) ?? CandidateOptions.DefaultCount,
            Temperature = sampling.Temperature,
            TopK = sampling.TopK,
            TopP = sampling.TopP,
            LogitBias = sampling.LogitBias,
            GapSpacing = values.Choice("gap_spacing", Cli.Options.ChoiceNames.Spacings) ?? default,
            Timeout = options.RequestTimeout,
        };
        InfillPrompt prompt = SegmentReader.ReadGaps(values);
        PromptLimits.Require(model.Infiller, prompt, options, values.Has("segments") ? "segments" : "text");
        IReadOnlyList<IReadOnlyList<TokenCandidate>> gaps = await model.Infiller.CandidatesAsync(prompt, candidates, context.RequestAborted);
        await Answer.WriteAsync(context, json =>
        {
            json.WriteStartArray("gaps");
            foreach (IReadOnlyList<TokenCandidate> gap in gaps)
            {
                json.WriteStartArray();
                foreach (TokenCandidate candidate in gap)
                {
                    json.WriteStartObject();
                    json.WriteNumber("id", candidate.Id);
                    json.WriteString("text", candidate.Text);
                    json.WriteNumber("probability", candidate.Probability);
                    json.WriteNumber("log_prob", Math.Log(candidate.Probability));
                    json.WriteEndObject();
                }

                json.WriteEndArray();
            }

            json.WriteEndArray();
            json.WriteString("model", model.Name);
        });
    }
}
