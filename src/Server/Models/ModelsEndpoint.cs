using System.Text.Json;
using AsArm.Server.Fields;

namespace AsArm.Server.Models;

/// <summary>GET /v1/models, as OpenAI's clients ask it.</summary>
internal static class ModelsEndpoint
{
    public static Task HandleAsync(HttpContext context, ModelPool models) => Answer.WriteAsync(context, json =>
    {
        json.WriteString("object", "list");
        json.WriteStartArray("data");
        foreach (string name in models.Names)
        {
            json.WriteStartObject();
            Write(json, models, name);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    /// <summary>GET /v1/models/NAME: one of them.</summary>
    public static Task HandleAsync(HttpContext context, ModelPool models, string name) => models.Names.Contains(name)
        ? Answer.WriteAsync(context, json => Write(json, models, name))
        : throw new RequestException(StatusCodes.Status404NotFound, $"There is no model \"{FieldList.Shown(name)}\".", "model", "model_not_found");

    private static void Write(Utf8JsonWriter json, ModelPool models, string name)
    {
        json.WriteString("id", name);
        json.WriteString("object", "model");
        json.WriteNumber("created", new DateTimeOffset(models.CreatedAt(name)).ToUnixTimeSeconds());
        json.WriteString("owned_by", "asarm");
    }
}
