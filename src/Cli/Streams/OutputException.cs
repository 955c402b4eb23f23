namespace AsArm.Cli.Streams;

/// <summary>Results cannot be written: the disk is full, the reader of a pipe is gone. The message names the output.</summary>
internal sealed class OutputException(string message) : Exception(message);
