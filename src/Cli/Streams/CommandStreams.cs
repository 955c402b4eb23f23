namespace AsArm.Cli.Streams;

/// <summary>Where a command reads and writes: the standard streams of the process, or what stands in their place.</summary>
/// <param name="OpenInput">Opens standard input.</param>
/// <param name="Output">Standard output, without a buffer.</param>
/// <param name="OutputWriter">The same for text.</param>
/// <param name="Error">Standard error.</param>
internal sealed record CommandStreams(Func<Stream> OpenInput, Stream Output, TextWriter OutputWriter, TextWriter Error)
{
    /// <summary>The file behind standard input; null where it is not a file.</summary>
    public FileIdentity? InputFile { get; init; }

    /// <summary>The file behind standard output; null where it is not a file.</summary>
    public FileIdentity? OutputFile { get; init; }

    /// <summary>The file behind standard error; null where it is not a file.</summary>
    public FileIdentity? ErrorFile { get; init; }

    /// <summary>Whether standard output is not a terminal.</summary>
    public bool IsOutputRedirected { get; init; } = true;

    /// <summary>Whether standard error is not a terminal.</summary>
    public bool IsErrorRedirected { get; init; } = true;
}
