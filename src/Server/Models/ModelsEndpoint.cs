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
            json.WriteString("id", name);
            json.WriteString("object", "model");
            json.WriteNumber("created", new DateTimeOffset(models.CreatedAt(name)).ToUnixTimeSeconds());
            json.WriteString("owned_by", "asarm");
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });
}
