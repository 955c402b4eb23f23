using System.Threading.Channels;
using AsArm.Cli.Options;
using AsArm.Cli.Streams;

namespace AsArm.Cli.Lines;

/// <summary>The files of --input and --output, which must not be the same.</summary>
/// <param name="input">A path, or - for standard input.</param>
/// <param name="output">A path; null or - for standard output.</param>
/// <param name="streams">Those of the command.</param>
internal sealed class LineFiles(string input, string? output, CommandStreams streams)
{
    private FileIdentity? _inputFile;

    /// <summary>Begins to read, before the model is loaded and before anything is written to what is read.</summary>
    /// <exception cref="UsageException">A file cannot be used.</exception>
    public async Task<ChannelReader<RawLine>> OpenInputAsync(CancellationToken cancellationToken)
    {
        (Stream stream, _inputFile) = await InterruptiblyAsync(OpenInput, cancellationToken);
        try
        {
            RequireOtherOutput(hasContent: stream is FileStream { CanSeek: true, Length: > 0 });
        }
        catch
        {
            stream.Dispose();
            throw;
        }

        return LineChannel.Start(stream);
    }

    /// <summary>Opens the output, after the input.</summary>
    /// <exception cref="UsageException">It cannot be written.</exception>
    public Task<LineOutput> OpenOutputAsync(CancellationToken cancellationToken) => InterruptiblyAsync(() => LineOutput.Open(output, _inputFile, streams), cancellationToken);

    private (Stream Stream, FileIdentity? File) OpenInput()
    {
        if (input == "-")
            return (streams.OpenInput(), streams.InputFile);
        if (Directory.Exists(input))
            throw new UsageException($"--input {input} is a folder.");
        try
        {
            FileStream file = File.OpenRead(input);
            return (file, NativeFiles.IdentityOf(file.SafeFileHandle));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"--input {input} cannot be read: {error.Message}");
        }
    }

    private void RequireOtherOutput(bool hasContent)
    {
        string? written = output is "-" ? null : output;
        if (_inputFile is not null && _inputFile == streams.ErrorFile)
            throw new UsageException("standard error is the --input file.");
        if (_inputFile is not null && written is null && _inputFile == streams.OutputFile)
            throw new UsageException("standard output is the --input file.");
        if (written is null)
            return;
        if (streams.ErrorFile is FileIdentity error && error == NativeFiles.IdentityOf(written))
            throw new UsageException("standard error is the --output file.");
        if (_inputFile is not null ? _inputFile == NativeFiles.IdentityOf(written) : hasContent && FinalPath(input) == FinalPath(written))
            throw new UsageException("--output is the --input file.");
        if (Directory.Exists(written))
            throw new UsageException($"--output {written} is a folder.");
        if (!Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(written))))
            throw new UsageException($"--output {written} cannot be written: there is no such folder.");
    }

    /// <summary>Where the system does not report the identity of files.</summary>
    private static string FinalPath(string path)
    {
        path = Path.GetFullPath(path);
        try
        {
            return File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
        }
        catch (IOException)
        {
            return path; // nothing there yet
        }
    }

    /// <summary>Opening a named pipe waits for its other end.</summary>
    private static async Task<T> InterruptiblyAsync<T>(Func<T> open, CancellationToken cancellationToken) => await Task.Factory
        .StartNew(open, cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default).WaitAsync(cancellationToken);
}
