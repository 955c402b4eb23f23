namespace AsArm.Server.Telemetry;

/// <summary>Marks endpoints whose requests are measured.</summary>
/// <param name="Name">What they do, in the words of <see cref="GenAiConventions" />.</param>
internal sealed record MeasuredOperation(string Name);
