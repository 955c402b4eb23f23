using System.Reflection;
using System.Text.Json;
using AsArm.Server.Fields;
using AsArm.Server.Security;

namespace AsArm.Server;

/// <summary>
/// The description of the interface as an OpenAPI document. It is written from the very lists of fields that requests are read by, which the endpoints read themselves, so
/// that a generator that looks at the types of handlers would find nothing.
/// </summary>
internal static class OpenApiDocument
{
    public static Task WriteAsync(HttpContext context, IEndpointRouteBuilder app) => Answer.WriteAsync(context, json =>
    {
        json.WriteString("openapi", "3.1.0");
        json.WriteStartObject("info");
        json.WriteString("title", "AsArm");
        json.WriteString("description", "Fills gaps of texts and scores spans, exactly as an any-subset autoregressive model would. docs/server.md is the contract.");
        json.WriteString("version", typeof(OpenApiDocument).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0]);
        json.WriteEndObject();
        json.WriteStartObject("paths");
        foreach (RouteEndpoint endpoint in app.DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>().Where(IsDescribed))
            WritePath(json, endpoint);
        json.WriteEndObject();
        json.WriteStartObject("components");
        WriteComponents(json);
        json.WriteEndObject();
    });

    private static bool IsDescribed(RouteEndpoint endpoint) => endpoint.Metadata.GetMetadata<IExcludeFromDescriptionMetadata>() is null;

    private static void WritePath(Utf8JsonWriter json, RouteEndpoint endpoint)
    {
        FieldList? fields = endpoint.Metadata.GetMetadata<FieldList>();
        json.WriteStartObject(endpoint.RoutePattern.RawText!);
        json.WriteStartObject(fields is null ? "get" : "post");
        if (fields is not null)
            WriteBody(json, fields);
        json.WriteStartObject("responses");
        json.WriteStartObject("200");
        json.WriteString("description", "The answer.");
        json.WriteEndObject();
        json.WriteStartObject("default");
        json.WriteString("$ref", "#/components/responses/Error");
        json.WriteEndObject();
        json.WriteEndObject();
        if (endpoint.Metadata.GetMetadata<OpenToAll>() is null)
        {
            json.WriteStartArray("security");
            json.WriteStartObject();
            json.WriteStartArray("key");
            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteEndArray();
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteBody(Utf8JsonWriter json, FieldList fields)
    {
        json.WriteStartObject("requestBody");
        json.WriteBoolean("required", true);
        json.WriteStartObject("content");
        json.WriteStartObject(Answer.Json);
        json.WriteStartObject("schema");
        json.WriteString("type", "object");
        json.WriteBoolean("additionalProperties", false);
        json.WriteStartObject("properties");
        foreach (Field field in fields.Fields)
        {
            json.WritePropertyName(field.Name);
            WriteSchema(json, field);
        }

        for (int depth = 0; depth < 5; depth++)
            json.WriteEndObject();
    }

    private static void WriteSchema(Utf8JsonWriter json, Field field)
    {
        string types = field.Type switch
        {
            FieldType.Text => "\"type\": [\"string\", \"null\"], ",
            FieldType.Integer => "\"type\": [\"integer\", \"null\"], ",
            FieldType.Number => "\"type\": [\"number\", \"null\"], ",
            FieldType.Flag => "\"type\": [\"boolean\", \"null\"], ",
            FieldType.Texts => "\"type\": [\"string\", \"array\", \"null\"], \"items\": {\"type\": \"string\"}, ",
            FieldType.Prompt => "\"type\": [\"string\", \"array\"], ",
            FieldType.Objects => "\"type\": [\"array\", \"null\"], \"items\": {\"type\": \"object\"}, ",
            FieldType.Object => "\"type\": [\"object\", \"null\"], ",
            _ => "",
        };
        json.WriteRawValue($$"""{{{types}}"description": {{JsonSerializer.Serialize(field.Description, SchemaContext.Default.String)}}}""");
    }

    private static void WriteComponents(Utf8JsonWriter json)
    {
        json.WritePropertyName("securitySchemes");
        json.WriteRawValue("""{"key": {"type": "http", "scheme": "bearer"}}""");
        json.WritePropertyName("responses");
        json.WriteRawValue("""
            {"Error": {"description": "What is wrong, and with which field.", "content": {"application/json": {"schema": {"type": "object", "properties": {"error": {"type": "object", "properties": {
            "message": {"type": "string"}, "type": {"type": "string"}, "param": {"type": ["string", "null"]}, "code": {"type": ["string", "null"]}}}}}}}}}
            """);
    }
}
