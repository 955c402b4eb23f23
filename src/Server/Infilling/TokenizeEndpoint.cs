using AsArm.Inference.Text;
using AsArm.Server.Fields;
using AsArm.Server.Models;
using AsArm.Server.Requests;

namespace AsArm.Server.Infilling;

/// <summary>POST /v1/tokenize: the tokens of a text with its gaps, as they count for the model's maximum.</summary>
internal static class TokenizeEndpoint
{
    public static FieldList Fields { get; } = new(
        "text",
        [
            SamplingFields.Model,
            SegmentReader.Text,
            SegmentReader.Segments,
            new Field("pieces", FieldType.Flag, "Lists the tokens too."),
        ]);

    public static async Task HandleAsync(HttpContext context, ModelPool models)
    {
        FieldValues values = await RequestBody.ReadAsync(context, Fields);
        using ModelLease model = await models.RentAsync(values.Text("model"), context.RequestAborted);
        bool withPieces = values.Flag("pieces");
        InfillTokenizer tokenizer = model.Infiller.InfillTokenizer;
        TokenCount count = tokenizer.CountTokens(SegmentReader.ReadGaps(values), out int[] tokens);
        await Answer.WriteAsync(context, json =>
        {
            json.WriteNumber("tokens", count.Total);
            json.WriteNumber("given", count.Given);
            json.WriteNumber("gaps", count.Gaps);
            json.WriteNumber("separator", count.Separator);
            json.WriteNumber("maximum", count.Maximum);
            json.WriteBoolean("fits", count.Fits);
            json.WriteString("model", model.Name);
            if (!withPieces)
                return;
            json.WriteStartArray("pieces");
            foreach (int token in tokens)
            {
                json.WriteStartObject();
                json.WriteNumber("id", token);
                json.WriteString("piece", tokenizer.PieceOf(token));
                json.WriteEndObject();
            }

            json.WriteEndArray();
        });
    }
}
