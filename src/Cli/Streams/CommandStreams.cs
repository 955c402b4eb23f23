using System.Text;

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

    /// <summary>
    /// Of bytes, in UTF-8. A failure of standard output is an <see cref="OutputException" />; what cannot be reported on standard error is not
    /// reported.
    /// </summary>
    public static CommandStreams Of(Func<Stream> openInput, Stream output, Stream error)
    {
        var guarded = new GuardedStream(output, failure => throw new OutputException($"standard output cannot be written: {failure.Message}"));
        return new CommandStreams(openInput, guarded, Writer(guarded), Writer(new GuardedStream(error, _ => { })));
    }

    private static TextWriter Writer(Stream stream) =>
        TextWriter.Synchronized(new StreamWriter(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { AutoFlush = true });
}
