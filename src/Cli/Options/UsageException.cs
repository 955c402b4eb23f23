namespace AsArm.Cli.Options;

/// <summary>The command was called in a way that it does not take; the message names the option.</summary>
internal sealed class UsageException(string message) : Exception(message);
