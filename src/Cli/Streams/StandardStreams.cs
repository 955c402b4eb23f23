using System.Text;
using Microsoft.Win32.SafeHandles;

namespace AsArm.Cli.Streams;

/// <summary>The standard streams of the process, which may be closed, full, or a pipe that nobody reads.</summary>
internal static class StandardStreams
{
    private const int InputDescriptor = 0;
    private const int OutputDescriptor = 1;
    private const int ErrorDescriptor = 2;

    /// <summary>Opens them, and puts them behind <see cref="Console" /> for the libraries that print as well; to be called once.</summary>
    public static CommandStreams Install()
    {
        Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false); // given text has to come back as it was, whatever the locale
        var streams = CommandStreams.Of(OpenInput, OpenOutput(), Open(ErrorDescriptor, Console.OpenStandardError));
        Console.SetOut(streams.OutputWriter);
        Console.SetError(streams.Error);
        return streams with
        {
            OutputWriter = Console.Out, // by which a console library knows it
            Error = Console.Error,
            InputFile = IdentityOf(InputDescriptor),
            OutputFile = IdentityOf(OutputDescriptor),
            ErrorFile = IdentityOf(ErrorDescriptor),
            IsOutputRedirected = Console.IsOutputRedirected,
            IsErrorRedirected = Console.IsErrorRedirected,
        };
    }

    /// <summary>Standard input; at its end where it was closed.</summary>
    private static Stream OpenInput() => NativeFiles.IsInherited(InputDescriptor) ? Console.OpenStandardInput() : Stream.Null;

    private static Stream OpenOutput() => Open(OutputDescriptor, () =>
    {
        // The console's own stream reports success for a pipe without a reader; a FileStream reports the failure, but keeps a position of its own.
        if (!OperatingSystem.IsWindows() && Console.IsOutputRedirected)
        {
            var pipe = new FileStream(new SafeFileHandle(OutputDescriptor, ownsHandle: false), FileAccess.Write, bufferSize: 0);
            if (!pipe.CanSeek)
                return pipe;
        }

        return Console.OpenStandardOutput();
    });

    private static Stream Open(int descriptor, Func<Stream> open)
    {
        if (!NativeFiles.IsInherited(descriptor))
            return new ClosedStream();
        try
        {
            return open();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return new ClosedStream();
        }
    }

    private static FileIdentity? IdentityOf(int descriptor) =>
        NativeFiles.IsInherited(descriptor) ? NativeFiles.IdentityOf(descriptor) : null;
}
