using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Unicode;
using AsArm.Inference.Infilling;
using AsArm.Server.Configuration;
using AsArm.Server.Fields;
using AsArm.Server.Models;
using AsArm.Server.Telemetry;
using Microsoft.AspNetCore.Http.Features;

namespace AsArm.Server.Infilling;

/// <summary>
/// Fills a text for each line of a body, and answers a line for each, in their order, as soon as it and those before it are done. At most as many lines are in
/// progress as share a forward pass, so that the body is read no faster than it is worked off. Where the queue of the model is full they wait.
/// </summary>
internal static class InfillLines
{
    /// <summary>Whether a request has a body of lines.</summary>
    public static bool AreIn(HttpContext context) => context.GetEndpoint()?.Metadata.GetMetadata<FieldList>() == InfillFields.Request
        && context.Request.ContentType?.StartsWith(Answer.Lines, StringComparison.OrdinalIgnoreCase) == true;

    public static async Task HandleAsync(HttpContext context, ModelPool models, ServerOptions options)
    {
        using ModelLease model = await models.RentAsync(context, context.Request.Query["model"].FirstOrDefault());
        RequestMeasurement measurement = RequestMeasurement.Of(context);
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = null; // that of each line holds
        Answer.BeginStream(context, Answer.Lines);
        var pending = new Queue<Task<ReadOnlyMemory<byte>>>();
        using var source = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        try
        {
            int number = 0;
            await foreach (byte[] line in LinesOf(context.Request.BodyReader, options.MaxBodyBytes, source.Token))
            {
                number++;
                if (line.AsSpan().IndexOfAnyExcept(" \t\r\v\f"u8) < 0)
                    continue;
                pending.Enqueue(FillAsync(line, number, model, options, measurement.OfLine(), context.RequestAborted, source.Token));
                while (pending.Count >= TextInfiller.MaxBatchSize || (pending.TryPeek(out Task<ReadOnlyMemory<byte>>? first) && first.IsCompleted))
                    await WriteAsync(context, pending.Dequeue());
            }

            while (pending.TryDequeue(out Task<ReadOnlyMemory<byte>>? next))
                await WriteAsync(context, next);
        }
        finally
        {
            await source.CancelAsync();
            await ((Task)Task.WhenAll(pending)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task WriteAsync(HttpContext context, Task<ReadOnlyMemory<byte>> line)
    {
        await context.Response.Body.WriteAsync(await line, context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
    }

    private static async IAsyncEnumerable<byte[]> LinesOf(PipeReader reader, int maxBytes, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            ReadResult read = await reader.ReadAsync(cancellationToken);
            ReadOnlySequence<byte> buffer = read.Buffer;
            var lines = new List<byte[]>();
            while (buffer.PositionOf((byte)'\n') is SequencePosition end)
            {
                lines.Add(buffer.Slice(0, end).ToArray());
                buffer = buffer.Slice(buffer.GetPosition(1, end));
            }

            if (read.IsCompleted && !buffer.IsEmpty)
            {
                lines.Add(buffer.ToArray());
                buffer = buffer.Slice(buffer.End);
            }

            reader.AdvanceTo(buffer.Start, buffer.End);
            if (buffer.Length > maxBytes || lines.Exists(line => line.Length > maxBytes))
                throw new RequestException(StatusCodes.Status413PayloadTooLarge, $"A line has more than {maxBytes} bytes.", "body");
            foreach (byte[] line in lines)
                yield return line;
            if (read.IsCompleted)
                yield break;
        }
    }

    /// <summary>The line of the answer, or of the error of this line alone.</summary>
    private static async Task<ReadOnlyMemory<byte>> FillAsync(
        byte[] line, int number, ModelLease model, ServerOptions options, RequestMeasurement measurement, CancellationToken clientGone, CancellationToken cancellationToken)
    {
        string? id = null;
        try
        {
            if (!Utf8.IsValid(line))
                throw new RequestException(StatusCodes.Status400BadRequest, "The line is not valid UTF-8.", "body");
            using JsonDocument document = JsonDocument.Parse(line);
            id = IdOf(document.RootElement);
            var task = new InfillTask(InfillFields.Line.Read(document.RootElement), options, model.Name, model.Infiller);
            InfillResult[] results = await task.FillWhenThereIsRoomAsync(measurement, cancellationToken);
            return Answer.Bytes(json =>
            {
                json.WriteNumber("line", number);
                task.Write(json, results);
            });
        }
#pragma warning disable CA1031 // What one line breaks does not end the others.
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            RequestException refusal = error is JsonException json
                ? new RequestException(StatusCodes.Status400BadRequest, $"The line is not valid JSON (byte {json.BytePositionInLine + 1}).", "body", "invalid_json")
                : Refusals.Of(error, "text");
            measurement.Fail(refusal);
            return Answer.Bytes(json =>
            {
                if (id is not null)
                {
                    json.WritePropertyName("id");
                    json.WriteRawValue(id, skipInputValidation: true);
                }

                json.WriteNumber("line", number);
                json.WriteString("error", refusal.Message);
                json.WriteString("param", refusal.Field);
            });
        }
        finally
        {
            if (cancellationToken.IsCancellationRequested)
                measurement.Fail(clientGone.IsCancellationRequested ? RequestMeasurement.Cancelled : RequestMeasurement.BodyFailed);
            measurement.End();
        }
    }

    /// <summary>The id, for the error of a line whose other fields are wrong.</summary>
    private static string? IdOf(JsonElement line) => line.ValueKind != JsonValueKind.Object ? null
        : line.EnumerateObject().Where(property => FieldList.NameOf(property) == "id").Select(property => property.Value.GetRawText()).FirstOrDefault();
}
