using AsArm.Cli.Options;
using AsArm.Cli.Streams;

namespace AsArm.Cli.Lines;

/// <summary>Where the filled lines go; each is written through to the operating system, so that a kill loses none.</summary>
internal sealed class LineOutput : IDisposable
{
    private readonly Stream _stream;
    private readonly bool _ownsStream;
    private FileStream? _old; // a file that still has its old content

    private LineOutput(Stream stream, FileStream? old, bool ownsStream)
    {
        _stream = stream;
        _old = old;
        _ownsStream = ownsStream;
    }

    /// <summary>Opens a file without touching its content, or standard output.</summary>
    /// <param name="path">A path; null or - for standard output.</param>
    /// <param name="input">The file that is read, which is refused.</param>
    /// <param name="streams">Those of the command.</param>
    /// <exception cref="UsageException">It cannot be written, or is the input.</exception>
    public static LineOutput Open(string? path, FileIdentity? input, CommandStreams streams)
    {
        if (path is null or "-")
            return new LineOutput(streams.Output, null, ownsStream: false);
        try
        {
            var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, NativeFiles.IsSpecial(path) ? FileShare.ReadWrite : FileShare.None, bufferSize: 0);
            if (input is not null && NativeFiles.IdentityOf(file.SafeFileHandle) == input)
                throw new UsageException("--output is the --input file.");
            return new LineOutput(new GuardedStream(file, error => Throw(path, error)), file, ownsStream: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"--output {path} cannot be written: {error.Message}");
        }
    }

    /// <summary>Writes a line; the first one replaces the content of the file.</summary>
    /// <exception cref="OutputException">It cannot be written.</exception>
    public void Write(ReadOnlySpan<byte> line)
    {
        Empty();
        _stream.Write(line);
    }

    /// <summary>To be called at the end: without any line, the file becomes empty.</summary>
    public void Finish() => Empty();

    public void Dispose()
    {
        if (_ownsStream)
            _stream.Dispose();
    }

    private static void Throw(string path, Exception error) => throw new OutputException($"--output {path} cannot be written: {error.Message}");

    private void Empty()
    {
        if (_old is { CanSeek: true, Length: > 0 })
        {
            try
            {
                _old.SetLength(0);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                Throw(_old.Name, error);
            }
        }

        _old = null;
    }
}
