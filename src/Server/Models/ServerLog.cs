namespace AsArm.Server.Models;

/// <summary>The messages of the server, without any text of requests.</summary>
internal static partial class ServerLog
{
    [LoggerMessage(1, LogLevel.Information, "Model {Model} is open on {Device}")]
    public static partial void Opened(ILogger logger, string model, string device);

    [LoggerMessage(2, LogLevel.Information, "Model {Model} was closed, as others need its memory")]
    public static partial void Closed(ILogger logger, string model);

    [LoggerMessage(3, LogLevel.Error, "Model {Model} cannot be opened: {Reason}")]
    public static partial void NotOpened(ILogger logger, string model, string reason);

    [LoggerMessage(4, LogLevel.Information, "Model {Model} has changed and was opened anew")]
    public static partial void Reloaded(ILogger logger, string model);

    [LoggerMessage(5, LogLevel.Error, "{Method} {Path} failed with {Error}: {Trace}")]
    public static partial void Failed(ILogger logger, string method, string path, string error, string trace);
}
