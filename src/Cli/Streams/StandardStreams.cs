using System.Text;
using Microsoft.Win32.SafeHandles;

namespace AsArm.Cli.Streams;

/// <summary>
/// The standard streams, which may be closed, full, or a pipe that nobody reads. A failure of standard output is an
/// <see cref="OutputException" />; what cannot be reported on standard error is not reported.
/// </summary>
internal static class StandardStreams
{
    private const int InputDescriptor = 0;
    private const int OutputDescriptor = 1;
    private const int ErrorDescriptor = 2;
    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false);

    /// <summary>Standard output, without a buffer.</summary>
    public static Stream Output { get; } = new GuardedStream(OpenOutput(), Throw);

    /// <summary>The files behind standard output and standard error; null where they are none.</summary>
    public static (FileIdentity? Output, FileIdentity? Error) Files =>
        (IdentityOf(OutputDescriptor), IdentityOf(ErrorDescriptor));

    /// <summary>The file behind standard input; null where it is none.</summary>
    public static FileIdentity? InputFile => IdentityOf(InputDescriptor);

    /// <summary>Puts them behind <see cref="Console" />, for the libraries that print as well.</summary>
    public static void Install()
    {
        Console.OutputEncoding = s_utf8; // given text has to come back as it was, whatever the locale
        Console.SetOut(new StreamWriter(Output, s_utf8) { AutoFlush = true });
        Console.SetError(new StreamWriter(new GuardedStream(Open(ErrorDescriptor, Console.OpenStandardError), _ => { }), s_utf8) { AutoFlush = true });
    }

    /// <summary>Standard input; at its end where it was closed.</summary>
    public static Stream OpenInput() => NativeFiles.IsInherited(InputDescriptor) ? Console.OpenStandardInput() : Stream.Null;

    private static Stream OpenOutput() => Open(OutputDescriptor, () =>
    {
        // The console's own stream takes a pipe without a reader for written; one of files tells, but keeps a position of its own.
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
