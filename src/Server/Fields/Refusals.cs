using AsArm.Assd;
using AsArm.Assd.Models;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Scheduling;

namespace AsArm.Server.Fields;

/// <summary>What clients are told of exceptions.</summary>
internal static class Refusals
{
    /// <summary>The answer to an exception.</summary>
    /// <param name="error">The exception.</param>
    /// <param name="main">The field that holds the text.</param>
    public static RequestException Of(Exception error, string? main) => error switch
    {
        RequestException refusal => refusal,
        BadHttpRequestException bad => new(bad.StatusCode, bad.StatusCode switch
        {
            StatusCodes.Status413PayloadTooLarge => "The body is too large.",
            StatusCodes.Status408RequestTimeout => "The body did not come in time.",
            _ => "The request is malformed.",
        }, "body"),
        QueueFullException => new(StatusCodes.Status429TooManyRequests, "Too many requests are waiting. Try again later.", code: "queue_full") { RetryAfter = 1 },
        TimeoutException => new(StatusCodes.Status504GatewayTimeout, error.Message, code: "timeout"),
        ModelOutputException or ModelRunException => new(StatusCodes.Status500InternalServerError, "The model failed.", code: "model_error"),
        AsArmException => new(StatusCodes.Status400BadRequest, error.Message, main, "invalid_value"), // of texts and patterns
        ArgumentOutOfRangeException bad when FieldOf(bad.ParamName) is string field => RequestException.Of(field, RuleOf(bad)), // all other arguments are the server's
        ObjectDisposedException or OperationCanceledException => new(StatusCodes.Status503ServiceUnavailable, "The server is stopping.", code: "unavailable") { RetryAfter = 5 },
        _ => new(StatusCodes.Status500InternalServerError, "The server failed.", code: "internal_error"),
    };

    /// <summary>What the library says of an option, without its name there.</summary>
    private static string RuleOf(ArgumentOutOfRangeException error)
    {
        string text = error.Message.Split('\n')[0].Split(" (Parameter")[0].TrimEnd('.');
        return text.StartsWith(error.ParamName + " must ", StringComparison.Ordinal) ? text[(error.ParamName!.Length + 1)..] : "is out of range";
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
        "Sampler" => "sampler",
        "DraftLength" => "draft_length",
        "Count" => "count",
        _ => null,
    };
}
