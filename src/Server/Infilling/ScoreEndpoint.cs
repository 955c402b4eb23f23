using AsArm.Inference.Infilling;
using AsArm.Inference.Text;
using AsArm.Server.Configuration;
using AsArm.Server.Fields;
using AsArm.Server.Models;
using AsArm.Server.Requests;

namespace AsArm.Server.Infilling;

/// <summary>POST /v1/score: exact log-probabilities of marked spans.</summary>
internal static class ScoreEndpoint
{
    public static FieldList Fields { get; } = new(
        "text",
        [
            SamplingFields.Model,
            new Field("text", FieldType.Text, "The text: [[...]] marks a span, \\[ is a plain [."),
            SegmentReader.Segments,
            new Field("window", FieldType.Flag, "Cuts a text that is longer than the model takes around its spans."),
            new Field("top", FieldType.Integer, "0 to 100: so many of the most probable tokens in the place of each token. Default 0."),
        ]);

    public static async Task HandleAsync(HttpContext context, ModelPool models, ServerOptions options)
    {
        FieldValues values = await RequestBody.ReadAsync(context, Fields);
        using ModelLease model = await models.RentAsync(context, values.Text("model"));
        ScorePrompt prompt = SegmentReader.ReadSpans(values);
        var scoring = new ScoreOptions
        {
            Window = values.Flag("window"),
            TopTokens = values.Integer("top", 0, ScoreOptions.MaxTopTokens) ?? 0,
            Timeout = options.RequestTimeout,
        };
        ScoreResult score = await model.Infiller.ScoreAsync(prompt, scoring, context.RequestAborted);
        await Answer.WriteAsync(context, json =>
        {
            json.WriteNumber("log_prob", score.LogProbability);
            json.WriteNumber("tokens", score.Tokens);
            json.WriteStartArray("spans");
            int[] starts = [.. StartsOf(prompt)];
            foreach ((int index, SpanScore span) in score.Spans.Index())
            {
                json.WriteStartObject();
                json.WriteString("text", span.Text);
                json.WriteNumber("start", starts[index]);
                json.WriteNumber("log_prob", span.LogProbability);
                json.WriteNumber("tokens", span.Tokens);
                json.WritePropertyName("token_scores");
                TokenPlaces.Write(json, span.TokenScores, starts[index]);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteString("model", model.Name);
        });
    }

    /// <summary>Where each span begins in the text without markup.</summary>
    private static IEnumerable<int> StartsOf(ScorePrompt prompt)
    {
        int at = 0;
        foreach (TextSegment.Literal literal in prompt.Segments.OfType<TextSegment.Literal>())
        {
            if (literal.Marked)
                yield return at;
            at += literal.Text.Length;
        }
    }
}
