using System.Text.Json;
using AsArm.Server.Configuration;
using AsArm.Server.Fields;
using AsArm.Server.Models;
using AsArm.Server.Requests;
using AsArm.Server.Telemetry;

namespace AsArm.Server.Completions;

/// <summary>POST /v1/completions, as OpenAI's clients send it.</summary>
internal static class CompletionsEndpoint
{
    public static async Task HandleAsync(HttpContext context, ModelPool models, ServerOptions options)
    {
        FieldValues values = await RequestBody.ReadAsync(context, CompletionRequest.Fields);
        using ModelLease model = await models.RentAsync(context, values.Text("model"));
        RequestMeasurement measurement = RequestMeasurement.Of(context);
        CompletionRequest request = CompletionRequest.Read(values, options, model.Infiller);
        var runner = new CompletionRunner(request, model.Infiller, measurement);
        (string id, long created) = ($"cmpl-{Guid.NewGuid():N}", DateTimeOffset.UtcNow.ToUnixTimeSeconds());
        if (request.Stream)
        {
            using var stream = new CompletionStream(context, request, runner, model.Infiller, WriteHead);
            await stream.RunAsync();
            return;
        }

        IReadOnlyList<CompletionChoice>[] prompts =
            await AllOrNothing.RunAsync(token => Enumerable.Range(0, request.Prompts.Count).Select(prompt => runner.ChoicesAsync(prompt, token)), context.RequestAborted);
        await Answer.WriteAsync(context, json =>
        {
            WriteHead(json);
            json.WriteStartArray("choices");
            foreach ((int index, CompletionChoice choice) in prompts.SelectMany(prompt => prompt).Index())
                choice.Write(json, index);
            json.WriteEndArray();
            runner.Usage.Write(json);
        });

        void WriteHead(Utf8JsonWriter json)
        {
            json.WriteString("id", id);
            json.WriteString("object", "text_completion");
            json.WriteNumber("created", created);
            json.WriteString("model", model.Name);
        }
    }
}
