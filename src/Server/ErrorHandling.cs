using AsArm.Assd;
using AsArm.Assd.Models;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Scheduling;
using AsArm.Server.Fields;
using AsArm.Server.Models;

namespace AsArm.Server;

/// <summary>Turns exceptions into answers that name the field.</summary>
internal static class ErrorHandling
{
    /// <summary>Calls the rest of the pipeline.</summary>
    public static async Task InvokeAsync(HttpContext context, RequestDelegate next, ILogger log)
    {
        try
        {
            await next(context);
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody is there to be told.
        }
#pragma warning disable CA1031 // Each exception is an answer.
        catch (Exception error)
#pragma warning restore CA1031
        {
            RequestException refusal = RefusalOf(error, context);
            if (refusal.Status == StatusCodes.Status500InternalServerError)
                ServerLog.Failed(log, context.Request.Method, context.Request.Path, error.GetType().FullName!, error.StackTrace ?? "");
            await AnswerAsync(context, refusal);
        }
    }

    /// <summary>Answers with an error; within a stream as its last part.</summary>
    public static async Task AnswerAsync(HttpContext context, RequestException refusal)
    {
        Action<System.Text.Json.Utf8JsonWriter> write = WriterOf(context, refusal);
        if (context.Response.HasStarted)
        {
            await Answer.WritePartAsync(context, write);
            return;
        }

        context.Response.Clear();
        if (refusal.RetryAfter is int seconds)
            context.Response.Headers.RetryAfter = $"{seconds}";
        if (refusal.Status == StatusCodes.Status401Unauthorized)
            context.Response.Headers.WWWAuthenticate = "Bearer";
        await Answer.WriteAsync(context, write, refusal.Status);
    }

    /// <summary>Ollama's clients expect a string, all others OpenAI's object.</summary>
    private static Action<System.Text.Json.Utf8JsonWriter> WriterOf(HttpContext context, RequestException refusal) =>
        context.Request.Path.StartsWithSegments("/api") ? json => json.WriteString("error", refusal.Message) : json => Answer.WriteError(json, refusal);

    private static RequestException RefusalOf(Exception error, HttpContext context)
    {
        string? main = context.GetEndpoint()?.Metadata.GetMetadata<FieldList>()?.Main;
        return error switch
        {
            RequestException refusal => refusal,
            BadHttpRequestException bad => new(bad.StatusCode, bad.StatusCode == StatusCodes.Status413PayloadTooLarge ? "The body is too large." : "The request is malformed.", "body"),
            QueueFullException => new(StatusCodes.Status429TooManyRequests, "Too many requests are waiting. Try again later.", code: "queue_full") { RetryAfter = 1 },
            TimeoutException => new(StatusCodes.Status504GatewayTimeout, error.Message, code: "timeout"),
            ModelOutputException or ModelRunException => new(StatusCodes.Status500InternalServerError, "The model failed.", code: "model_error"),
            AsArmException => new(StatusCodes.Status400BadRequest, error.Message, main, "invalid_value"), // of texts and patterns
            ArgumentException bad => new(StatusCodes.Status400BadRequest, $"An option is out of range: {bad.ParamName}.", FieldOf(bad.ParamName) ?? main, "invalid_value"),
            ObjectDisposedException or OperationCanceledException => new(StatusCodes.Status503ServiceUnavailable, "The server is stopping.", code: "unavailable") { RetryAfter = 5 },
            _ => new(StatusCodes.Status500InternalServerError, "The server failed.", code: "internal_error"),
        };
    }

    /// <summary>The field of an option of the library.</summary>
    private static string? FieldOf(string? option) => option switch
    {
        "Temperature" => "temperature",
        "TopK" => "top_k",
        "TopP" => "top_p",
        "LogitBias" => "logit_bias",
        "Seed" => "seed",
        "Order" => "order",
        "DraftLength" => "draft_length",
        "Count" => "count",
        _ => null,
    };
}
