using System.Runtime.CompilerServices;
using System.Threading.Channels;
using AsArm.Inference;
using Spectre.Console;

namespace AsArm.Cli;

/// <summary>asarm infill --input: fills lines as they come, in batches of what is there; a bad line is reported and the others are still done.</summary>
internal sealed class InfillLines(InfillArguments arguments)
{
    private readonly LineParser _parser = new(arguments.Options);

    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        (Stream stream, FileIdentity? file) = await InterruptiblyAsync(OpenInput, cancellation);
        RequireOtherOutput(file, hasContent: stream is FileStream { CanSeek: true, Length: > 0 });
        ChannelReader<RawLine> lines = LineChannel.Start(stream);
        using TextInfiller infiller = arguments.Open();
        using LineOutput output = await InterruptiblyAsync(() => LineOutput.Open(arguments.Output, file), cancellation);
        using var queue = new LineQueue(output, new InfillWriter(infiller.Folder.Name, arguments.Device));
        if (Console.IsErrorRedirected)
            await FillAsync(infiller, lines, queue, () => { }, cancellation);
        else
        {
            IAnsiConsole progress = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
            await progress.Status().StartAsync(
                "Filling", status => FillAsync(infiller, lines, queue, () => status.Status($"{Counts.Of(queue.Filled, "line")} filled"), cancellation));
        }

        output.Finish();
        Console.Error.WriteLine($"{Counts.Of(queue.Filled, "line")} filled, {queue.Failed} failed");
        return queue.Failed == 0 ? ExitCode.Done : ExitCode.Failed;
    }

    private async Task FillAsync(TextInfiller infiller, ChannelReader<RawLine> lines, LineQueue queue, Action report, CancellationToken cancellation)
    {
        await foreach (InfillOutcome outcome in infiller.InfillOutcomesAsync(RequestsAsync(lines, queue, cancellation), cancellation))
        {
            queue.Take(outcome);
            report();
        }
    }

    private async IAsyncEnumerable<InfillRequest> RequestsAsync(
        ChannelReader<RawLine> lines, LineQueue queue, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (RawLine raw in lines.ReadAllAsync(cancellation))
        {
            if (LineParser.IsBlank(raw))
                continue;
            InfillLine line = _parser.Parse(raw);
            await queue.AddAsync(line, cancellation);
            foreach (InfillRequest request in line.Requests)
                yield return request;
        }
    }

    private (Stream Stream, FileIdentity? File) OpenInput()
    {
        string path = arguments.Input!;
        if (path == "-")
            return (StandardStreams.OpenInput(), StandardStreams.InputFile);
        if (Directory.Exists(path))
            throw new UsageException($"--input {path} is a folder.");
        try
        {
            FileStream file = File.OpenRead(path);
            return (file, NativeFiles.IdentityOf(file.SafeFileHandle));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"--input {path} cannot be read: {error.Message}");
        }
    }

    /// <summary>Before the model is loaded, and before anything is written to what is read.</summary>
    private void RequireOtherOutput(FileIdentity? input, bool hasContent)
    {
        string? output = arguments.Output is "-" ? null : arguments.Output;
        (FileIdentity? standardOutput, FileIdentity? standardError) = StandardStreams.Files;
        if (input is not null && input == standardError)
            throw new UsageException("standard error is the --input file.");
        if (input is not null && output is null && input == standardOutput)
            throw new UsageException("standard output is the --input file.");
        if (output is null)
            return;
        if (input is not null ? input == NativeFiles.IdentityOf(output) : hasContent && FinalPath(arguments.Input!) == FinalPath(output))
            throw new UsageException("--output is the --input file.");
        if (Directory.Exists(output))
            throw new UsageException($"--output {output} is a folder.");
        if (!Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(output))))
            throw new UsageException($"--output {output} cannot be written: there is no such folder.");
    }

    /// <summary>Where files have no identity that can be asked for.</summary>
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
    private static async Task<T> InterruptiblyAsync<T>(Func<T> open, CancellationToken cancellation) => await Task.Factory
        .StartNew(open, cancellation, TaskCreationOptions.LongRunning, TaskScheduler.Default).WaitAsync(cancellation);
}
