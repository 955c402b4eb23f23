namespace AsArm.Server.Telemetry;

/// <summary>
/// Names of OpenTelemetry's semantic conventions for generative AI (open-telemetry/semantic-conventions-genai, status Development), which still change: nowhere else
/// are they spelt.
/// </summary>
internal static class GenAiConventions
{
    /// <summary>Histogram in seconds: a request, from its headers to the end of its answer.</summary>
    public const string RequestDuration = "gen_ai.server.request.duration";

    /// <summary>Histogram in seconds: from the headers of a successful request to its first token.</summary>
    public const string TimeToFirstToken = "gen_ai.server.time_to_first_token";

    /// <summary>Histogram in seconds: the rest of a successful request, divided by the tokens after the first.</summary>
    public const string TimePerOutputToken = "gen_ai.server.time_per_output_token";

    public const string OperationName = "gen_ai.operation.name", ProviderName = "gen_ai.provider.name", RequestModel = "gen_ai.request.model", ResponseModel = "gen_ai.response.model";

    public const string ErrorType = "error.type";

    /// <summary>The provider of these models.</summary>
    public const string Provider = "asarm";

    /// <summary>Completions and fillings; the name is one of the conventions.</summary>
    public const string TextCompletion = "text_completion";

    /// <summary>Scores and candidates; the conventions have no names for them.</summary>
    public const string Score = "score", Candidates = "candidates";

    /// <summary>Errors for which the server has no word.</summary>
    public const string OtherError = "_OTHER";

    /// <summary>The buckets that the conventions name.</summary>
    public static IReadOnlyList<double> RequestDurationBuckets { get; } = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];

    /// <inheritdoc cref="RequestDurationBuckets" />
    public static IReadOnlyList<double> TimeToFirstTokenBuckets { get; } = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

    /// <inheritdoc cref="RequestDurationBuckets" />
    public static IReadOnlyList<double> TimePerOutputTokenBuckets { get; } = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5];
}
