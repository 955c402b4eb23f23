namespace AsArm.Server.Fields;

/// <summary>A request that is refused, with what the client is told.</summary>
/// <param name="status">HTTP status.</param>
/// <param name="message">A sentence.</param>
/// <param name="fieldName">The field of the request that is wrong; null if it is none.</param>
/// <param name="code">A word for programs; null without one.</param>
/// <param name="innerException">What the client is not told.</param>
internal sealed class RequestException(int status, string message, string? fieldName = null, string? code = null, Exception? innerException = null) : Exception(message, innerException)
{
    /// <summary>HTTP status.</summary>
    public int Status => status;

    /// <summary>The field of the request that is wrong.</summary>
    public string? Field => fieldName;

    /// <summary>A word for programs.</summary>
    public string? Code => code;

    /// <summary>Seconds after which the client may try again; null if that does not help.</summary>
    public int? RetryAfter { get; init; }

    /// <summary>A field that is not what it has to be.</summary>
    public static RequestException Of(string field, string rule, string? given = null) =>
        new(StatusCodes.Status400BadRequest, given is null ? $"\"{field}\" {rule}." : $"\"{field}\" {rule}, not {given}.", field, "invalid_value");
}
