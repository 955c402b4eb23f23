using System.Text;
using Microsoft.Win32.SafeHandles;

namespace AsArm.Cli.Streams;

/// <summary>
/// The standard streams of the process, which may be closed, full, or a pipe that nobody reads. A failure of standard output is an
/// <see cref="OutputException" />; what cannot be reported on standard error is not reported.
/// </summary>
internal static class StandardStreams
{
    private const int InputDescriptor = 0;
    private const int OutputDescriptor = 1;
    private const int ErrorDescriptor = 2;
    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false);

    /// <summary>Opens them, and puts them behind <see cref="Console" /> for the libraries that print as well; to be called once.</summary>
    public static CommandStreams Install()
    {
        Console.OutputEncoding = s_utf8; // given text has to come back as it was, whatever the locale
        var output = new GuardedStream(OpenOutput(), Throw);
        Console.SetOut(new StreamWriter(output, s_utf8) { AutoFlush = true });
        Console.SetError(new StreamWriter(new GuardedStream(Open(ErrorDescriptor, Console.OpenStandardError), _ => { }), s_utf8) { AutoFlush = true });
        return new CommandStreams(OpenInput, output, Console.Out, Console.Error)
        {
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

    private static void Throw(Exception error) => throw new OutputException($"standard output cannot be written: {error.Message}");
}
