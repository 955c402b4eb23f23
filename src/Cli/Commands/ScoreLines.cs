using System.Threading.Channels;
using AsArm.Assd.Models;
using AsArm.Cli.Lines;
using AsArm.Cli.Options;
using AsArm.Cli.Output;
using AsArm.Cli.Streams;
using AsArm.Inference.Infilling;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Text;

namespace AsArm.Cli.Commands;

/// <summary>asarm score --input: scores lines as they arrive, several at once; a bad line is reported and the others are still scored.</summary>
internal sealed class ScoreLines(ScoreArguments arguments, string input, CommandStreams streams)
{
    private const int MaxAhead = 2 * TextInfiller.MaxBatchSize; // lines in progress, or waiting for one before them

    private readonly ScoreLineParser _parser = new(FormatOf(arguments.Format, input), arguments.Query);

    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        var files = new LineFiles(input, arguments.Output, streams);
        ChannelReader<RawLine> lines = await files.OpenInputAsync(cancellationToken);
        using TextInfiller infiller = arguments.Open();
        using LineOutput output = await files.OpenOutputAsync(cancellationToken);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Channel<Task<ScoreLine>> scored = Channel.CreateBounded<Task<ScoreLine>>(MaxAhead - 2); // and one on either side
        Task submitting = SubmitAsync(infiller, lines, scored.Writer, ended.Token);
        long done = 0, failed = 0;
        try
        {
            await foreach (Task<ScoreLine> one in scored.Reader.ReadAllAsync(cancellationToken))
            {
                ScoreLine line = await one;
                output.Write(JsonOf(line).Span);
                if (line.Error is string error)
                    streams.Error.WriteLine($"asarm: line {line.Number}: {error.ReplaceLineEndings(" ")}");
                (done, failed) = line.Error is null ? (done + 1, failed) : (done, failed + 1);
            }
        }
        finally
        {
            await ended.CancelAsync();
            await submitting; // it never throws, and uses the infiller
        }

        DeviceNotice.Print(infiller, streams.Error);
        output.Finish();
        streams.Error.WriteLine($"{Counts.Of(done, "line")} scored, {failed} failed");
        return failed == 0 ? ExitCode.Done : ExitCode.Failed;
    }

    private static LineFormat FormatOf(LineFormat? format, string input) =>
        format ?? (Path.GetExtension(input).Equals(".txt", StringComparison.OrdinalIgnoreCase) ? LineFormat.Text : LineFormat.Json);

    private async Task SubmitAsync(TextInfiller infiller, ChannelReader<RawLine> lines, ChannelWriter<Task<ScoreLine>> scored, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (RawLine raw in lines.ReadAllAsync(cancellationToken))
            {
                if (!LineFields.IsBlank(raw))
                    await scored.WriteAsync(ScoreAsync(infiller, _parser.Parse(raw), cancellationToken), cancellationToken);
            }

            scored.Complete();
        }
#pragma warning disable CA1031 // Thrown to the reader of the channel.
        catch (Exception error)
#pragma warning restore CA1031
        {
            scored.Complete(error);
        }
    }

    private static async Task<ScoreLine> ScoreAsync(TextInfiller infiller, ScoreLine line, CancellationToken cancellationToken)
    {
        if (line.Error is not null)
            return line;
        try
        {
            line.Result = await infiller.ScoreAsync(line.Prompt!, line.Query.Options, cancellationToken);
        }
        catch (Exception error) when (error is InfillTextException or ModelOutputException or ModelRunException)
        {
            line.Error = error.Message;
        }

        return line;
    }

    private static ReadOnlyMemory<byte> JsonOf(ScoreLine line) => ReadableJson.Line(json =>
    {
        json.WriteStartObject();
        if (line.Id is string id)
        {
            json.WritePropertyName("id");
            json.WriteRawValue(id, skipInputValidation: true);
        }

        json.WriteNumber("line", line.Number);
        if (line.Error is string error)
            json.WriteString("error", error);
        else
            ScoreJson.Write(json, line.Result!, line.Query.Detail);
        json.WriteEndObject();
    });
}
