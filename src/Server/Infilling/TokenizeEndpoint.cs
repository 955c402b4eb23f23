using AsArm.Cli.Output;
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
        using ModelLease model = await models.RentAsync(context, values.Text("model"));
        bool withPieces = values.Flag("pieces");
        InfillTokenizer tokenizer = model.Infiller.InfillTokenizer;
        TokenCount count = tokenizer.CountTokens(SegmentReader.ReadGaps(values), out int[] tokens);
        await Answer.WriteAsync(context, json => TokenCountJson.Write(json, count, model.Name, withPieces ? tokens : null, tokenizer));
    }
}
