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
        var files = new LineFiles(input, arguments.Output, streams);
        ChannelReader<RawLine> lines = await files.OpenInputAsync(cancellationToken);
        using TextInfiller infiller = arguments.Open();
        using LineOutput output = await files.OpenOutputAsync(cancellationToken);
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
            if (LineFields.IsBlank(raw))
                continue;
            InfillLine line = _parser.Parse(raw);
            await queue.AddAsync(line, cancellationToken);
            foreach (InfillRequest request in line.Requests)
                yield return request;
        }
    }
}
