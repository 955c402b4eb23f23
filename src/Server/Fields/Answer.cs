using System.Text.Json;
using AsArm.Cli.Output;

namespace AsArm.Server.Fields;

/// <summary>Writes answers.</summary>
internal static class Answer
{
    public const string Json = "application/json", Lines = "application/x-ndjson", Events = "text/event-stream";

    /// <summary>A JSON object, as the whole answer.</summary>
    public static Task WriteAsync(HttpContext context, Action<Utf8JsonWriter> write, int status = StatusCodes.Status200OK)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = Json;
        ReadOnlyMemory<byte> bytes = Bytes(write);
        context.Response.ContentLength = bytes.Length;
        return context.Response.Body.WriteAsync(bytes, context.RequestAborted).AsTask();
    }

    /// <summary>A JSON object and the end of its line.</summary>
    public static ReadOnlyMemory<byte> Bytes(Action<Utf8JsonWriter> write) => ReadableJson.Line(json =>
    {
        json.WriteStartObject();
        write(json);
        json.WriteEndObject();
    });

    /// <summary>Begins an answer of several objects.</summary>
    public static void BeginStream(HttpContext context, string contentType)
    {
        context.Response.ContentType = contentType;
        context.Response.Headers.CacheControl = "no-cache";
        context.Response.Headers["X-Accel-Buffering"] = "no"; // proxies pass parts on as they come
    }

    /// <summary>One object of several, sent at once and in one piece: an event or a line. Nothing is sent if writing it fails.</summary>
    public static async Task WritePartAsync(HttpContext context, Action<Utf8JsonWriter> write)
    {
        ReadOnlyMemory<byte> line = Bytes(write);
        await context.Response.Body.WriteAsync(context.Response.ContentType == Events ? (byte[])[.. "data: "u8, .. line.Span, (byte)'\n'] : line, context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
    }

    /// <summary>The last event of OpenAI's streams.</summary>
    public static async Task WriteDoneAsync(HttpContext context)
    {
        await context.Response.Body.WriteAsync("data: [DONE]\n\n"u8.ToArray(), context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
    }

    /// <summary>The error object of OpenAI's interface.</summary>
    public static void WriteError(Utf8JsonWriter json, RequestException error)
    {
        json.WriteStartObject("error");
        json.WriteString("message", error.Message);
        json.WriteString("type", TypeOf(error.Status));
        json.WriteString("param", error.Field);
        json.WriteString("code", error.Code);
        json.WriteEndObject();
    }

    private static string TypeOf(int status) => status switch
    {
        StatusCodes.Status403Forbidden => "permission_error",
        StatusCodes.Status429TooManyRequests => "rate_limit_error",
        StatusCodes.Status503ServiceUnavailable => "unavailable_error",
        StatusCodes.Status408RequestTimeout or StatusCodes.Status504GatewayTimeout => "timeout_error",
        >= 500 => "server_error",
        _ => "invalid_request_error",
    };
}
