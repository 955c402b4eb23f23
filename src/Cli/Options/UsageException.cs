namespace AsArm.Cli.Options;

/// <summary>The command line is not valid; the message names the option.</summary>
internal sealed class UsageException(string message) : Exception(message);
