using Microsoft.Extensions.Logging;

namespace AsArm.Extensions.DependencyInjection;

/// <summary>The messages, without any text of requests.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Opened model {Model} on {Device} from {Path}")]
    public static partial void Opened(ILogger logger, string model, string device, string path);

    [LoggerMessage(2, LogLevel.Information, "Model {Model} is ready after {Seconds:F2} s")]
    public static partial void WarmedUp(ILogger logger, string model, double seconds);

    [LoggerMessage(3, LogLevel.Warning, "Requests to model {Model} were cancelled, as the shutdown timeout is over")]
    public static partial void Cancelled(ILogger logger, string model);
}
