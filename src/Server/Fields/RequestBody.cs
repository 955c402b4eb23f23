using System.Text.Json;
using System.Text.Unicode;

namespace AsArm.Server.Fields;

/// <summary>Reads the body of a request.</summary>
internal static class RequestBody
{
    private static readonly JsonDocumentOptions s_options = new() { MaxDepth = 64 };

    /// <summary>The values of the fields of the endpoint.</summary>
    /// <exception cref="RequestException">The body is not an object with fields of the endpoint.</exception>
    public static async Task<FieldValues> ReadAsync(HttpContext context, FieldList fields)
    {
        using var buffer = new MemoryStream();
        await context.Request.Body.CopyToAsync(buffer, context.RequestAborted);
        ReadOnlyMemory<byte> bytes = buffer.GetBuffer().AsMemory(0, (int)buffer.Length);
        if (bytes.Span.StartsWith("\uFEFF"u8))
            bytes = bytes["\uFEFF"u8.Length..];
        if (!Utf8.IsValid(bytes.Span))
            throw new RequestException(StatusCodes.Status400BadRequest, "The body is not valid UTF-8.", "body", "invalid_json");
        try
        {
            using JsonDocument document = JsonDocument.Parse(bytes, s_options);
            return fields.Read(document.RootElement.Clone());
        }
        catch (JsonException error)
        {
            bool isTooDeep = error.Message.Contains("depth", StringComparison.Ordinal);
            string what = isTooDeep ? "is nested more than 64 deep" : $"is not valid JSON (line {error.LineNumber + 1}, byte {error.BytePositionInLine + 1})";
            throw new RequestException(StatusCodes.Status400BadRequest, $"The body {what}.", "body", "invalid_json");
        }
    }
}
