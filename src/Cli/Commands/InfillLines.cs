using System.Runtime.CompilerServices;
using System.Threading.Channels;
using AsArm.Cli.Lines;
using AsArm.Cli.Options;
using AsArm.Cli.Output;
using AsArm.Cli.Streams;
using AsArm.Inference.Infilling;
using Spectre.Console;

namespace AsArm.Cli.Commands;

/// <summary>asarm infill --input: fills lines as they arrive, in batches of those available; a bad line is reported and the others are still filled.</summary>
internal sealed class InfillLines(InfillArguments arguments, string input, CommandStreams streams)
{
    private readonly LineParser _parser = new(arguments.Options);

    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        (Stream stream, FileIdentity? file) = await InterruptiblyAsync(OpenInput, cancellationToken);
        try
        {
            RequireOtherOutput(file, hasContent: stream is FileStream { CanSeek: true, Length: > 0 });
        }
        catch
        {
            stream.Dispose();
            throw;
        }

        ChannelReader<RawLine> lines = LineChannel.Start(stream);
        using TextInfiller infiller = arguments.Open();
        using LineOutput output = await InterruptiblyAsync(() => LineOutput.Open(arguments.Output, file, streams), cancellationToken);
        using var queue = new LineQueue(output, new LineJson(new OutcomeJson(infiller.Folder.Name, arguments.Device)), streams.Error);
        if (streams.IsErrorRedirected)
            await FillAsync(infiller, lines, queue, () => { }, cancellationToken);
        else
        {
            IAnsiConsole progress = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(streams.Error) });
            await progress.Status().StartAsync(
                "Filling", status => FillAsync(infiller, lines, queue, () => status.Status($"{Counts.Of(queue.Filled, "line")} filled"), cancellationToken));
        }

        output.Finish();
        DeviceNotice.Print(infiller, streams.Error);
        streams.Error.WriteLine($"{Counts.Of(queue.Filled, "line")} filled, {queue.Failed} failed");
        return queue.Failed == 0 ? ExitCode.Done : ExitCode.Failed;
    }

    private async Task FillAsync(TextInfiller infiller, ChannelReader<RawLine> lines, LineQueue queue, Action report, CancellationToken cancellationToken)
    {
        await foreach (InfillOutcome outcome in infiller.InfillBatchAsync(RequestsAsync(lines, queue, cancellationToken), cancellationToken))
        {
            queue.Take(outcome);
            report();
        }
    }

    private async IAsyncEnumerable<InfillRequest> RequestsAsync(
        ChannelReader<RawLine> lines, LineQueue queue, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (RawLine raw in lines.ReadAllAsync(cancellationToken))
        {
            if (LineParser.IsBlank(raw))
                continue;
            InfillLine line = _parser.Parse(raw);
            await queue.AddAsync(line, cancellationToken);
            foreach (InfillRequest request in line.Requests)
                yield return request;
        }
    }

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

    /// <summary>Before the model is loaded, and before anything is written to what is read.</summary>
    private void RequireOtherOutput(FileIdentity? inputFile, bool hasContent)
    {
        string? output = arguments.Output is "-" ? null : arguments.Output;
        if (inputFile is not null && inputFile == streams.ErrorFile)
            throw new UsageException("standard error is the --input file.");
        if (inputFile is not null && output is null && inputFile == streams.OutputFile)
            throw new UsageException("standard output is the --input file.");
        if (output is null)
            return;
        if (streams.ErrorFile is FileIdentity error && error == NativeFiles.IdentityOf(output))
            throw new UsageException("standard error is the --output file.");
        if (inputFile is not null ? inputFile == NativeFiles.IdentityOf(output) : hasContent && FinalPath(input) == FinalPath(output))
            throw new UsageException("--output is the --input file.");
        if (Directory.Exists(output))
            throw new UsageException($"--output {output} is a folder.");
        if (!Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(output))))
            throw new UsageException($"--output {output} cannot be written: there is no such folder.");
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
