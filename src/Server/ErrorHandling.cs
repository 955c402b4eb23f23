using AsArm.Server.Fields;
using AsArm.Server.Models;
using AsArm.Server.Telemetry;

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
#pragma warning disable CA1031 // Each exception is an answer.
        catch (Exception error) when (context.RequestAborted.IsCancellationRequested)
        {
            RequestMeasurement.Find(context)?.Fail(RequestMeasurement.Cancelled);

            // Nobody is there to be told; but what was not caused by the client's leaving is a defect.
            if (error is not (RequestException or OperationCanceledException or IOException) && Refusals.Of(error, null).Status == StatusCodes.Status500InternalServerError)
                LogFailure(context, error, log);
        }
        catch (Exception error)
#pragma warning restore CA1031
        {
            RequestException refusal = Refusals.Of(error, context.GetEndpoint()?.Metadata.GetMetadata<FieldList>()?.Main);
            if (refusal.Status == StatusCodes.Status500InternalServerError)
                LogFailure(context, error, log);
            await AnswerAsync(context, refusal);
        }
    }

    private static void LogFailure(HttpContext context, Exception error, ILogger log) =>
        ServerLog.Failed(log, context.Request.Method, (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "", error.GetType().FullName!, error.StackTrace ?? "");

    /// <summary>Answers with an error; within a stream as its last part.</summary>
    public static async Task AnswerAsync(HttpContext context, RequestException refusal)
    {
        RequestMeasurement.Find(context)?.Fail(refusal);
        Action<System.Text.Json.Utf8JsonWriter> write = WriterOf(context, refusal);
        if (context.Response.HasStarted)
        {
            await Answer.WritePartAsync(context, write);
            return;
        }

        Microsoft.Extensions.Primitives.StringValues allowed = context.Response.Headers.Allow; // methods, with 405
        context.Response.Clear();
        context.Response.Headers.Allow = allowed;
        if (refusal.Status is StatusCodes.Status500InternalServerError or StatusCodes.Status504GatewayTimeout)
            context.Response.Headers["x-should-retry"] = "false"; // OpenAI's clients would send it twice more
        if (refusal.RetryAfter is int seconds)
            context.Response.Headers.RetryAfter = $"{seconds}";
        if (refusal.Status == StatusCodes.Status401Unauthorized)
            context.Response.Headers.WWWAuthenticate = "Bearer";
        await Answer.WriteAsync(context, write, refusal.Status);
    }

    /// <summary>Ollama's clients expect a string, all others OpenAI's object.</summary>
    private static Action<System.Text.Json.Utf8JsonWriter> WriterOf(HttpContext context, RequestException refusal) =>
        context.Request.Path.StartsWithSegments("/api") ? json => json.WriteString("error", refusal.Message) : json => Answer.WriteError(json, refusal);
}
