namespace AsArm.Cli.Lines;

/// <summary>A line of an input, without its end.</summary>
/// <param name="Number">From 1.</param>
/// <param name="Bytes">Its bytes; null where it is longer than <see cref="LineReader.MaxBytes" />.</param>
internal readonly record struct RawLine(long Number, ReadOnlyMemory<byte>? Bytes);
