using System.Text.Json;
using AsArm.Inference.Infilling;
using AsArm.Server.Fields;
using AsArm.Server.Requests;

namespace AsArm.Server.Completions;

/// <summary>Answers a completion request with events.</summary>
/// <param name="context">The request.</param>
/// <param name="request">What it asks for.</param>
/// <param name="runner">Fills it.</param>
/// <param name="infiller">The model.</param>
/// <param name="writeHead">Writes the fields that all events have.</param>
internal sealed class CompletionStream(HttpContext context, CompletionRequest request, CompletionRunner runner, TextInfiller infiller, Action<Utf8JsonWriter> writeHead) : IDisposable
{
    private readonly SemaphoreSlim _writing = new(1, 1);

    /// <summary>All events.</summary>
    public async Task RunAsync()
    {
        Answer.BeginStream(context, Answer.Events);
        using var source = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        Task[] tasks = [.. Enumerable.Range(0, request.Prompts.Count).SelectMany(prompt => TasksOf(prompt, source.Token))];
        try
        {
            await foreach (Task task in Task.WhenEach(tasks))
                await task;
        }
        finally
        {
            await source.CancelAsync();
            await Task.WhenAll(tasks).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // nothing is written when the answer has ended
        }

        await Answer.WritePartAsync(context, json =>
        {
            writeHead(json);
            json.WriteStartArray("choices");
            json.WriteEndArray();
            runner.Usage.Write(json);
        });
        await Answer.WriteDoneAsync(context);
    }

    /// <inheritdoc />
    public void Dispose() => _writing.Dispose();

    private IEnumerable<Task> TasksOf(int prompt, CancellationToken cancellationToken)
    {
        if (request.Logprobs is not null || request.Prompts[prompt].Infill is null)
            return [WholeAsync(prompt, cancellationToken)];
        return runner.OptionsOf(prompt).Select((options, i) => IncrementalAsync(prompt, (prompt * request.N) + i, options, isFirst: i == 0, cancellationToken));
    }

    /// <summary>An event for each choice of a prompt: log-probabilities of alternatives are known at the end only.</summary>
    private async Task WholeAsync(int prompt, CancellationToken cancellationToken)
    {
        foreach ((int i, CompletionChoice choice) in (await runner.ChoicesAsync(prompt, cancellationToken)).Index())
            await WriteAsync((prompt * request.N) + i, choice);
    }

    /// <summary>Events with the text from left to right, as far as it will not change.</summary>
    private async Task IncrementalAsync(int prompt, int index, InfillOptions options, bool isFirst, CancellationToken cancellationToken)
    {
        CompletionPrompt text = request.Prompts[prompt];
        if (request.Echo)
            await WriteAsync(index, text.Text, null);
        await foreach (TextDelta delta in TextDelta.ReadAsync(infiller, text.Infill!, options, request.Stop, update => ShownOf(text, update), cancellationToken))
        {
            await WriteAsync(index, delta.Text, delta.IsLast ? CompletionRunner.ReasonOf(text, delta.IsCut) : null);
            if (!delta.IsLast)
                continue;
            int given = delta.Update.Result?.Usage.GivenTokens ?? (int)infiller.CountTokens(text.Infill!).Given;
            runner.Count(isFirst ? given : 0, delta.Update.Statistics.Generated);
        }
    }

    private static string ShownOf(CompletionPrompt prompt, InfillUpdate update) => !prompt.IsMarkup ? TextDelta.GapOf(update, prompt.Text.Length)
        : update.Result?.Text ?? update.Text[..update.StableLength];

    private Task WriteAsync(int index, string text, string? reason) => WriteAsync(json =>
    {
        json.WriteStartObject();
        json.WriteString("text", text);
        json.WriteNumber("index", index);
        json.WriteNull("logprobs");
        json.WriteString("finish_reason", reason);
        json.WriteEndObject();
    });

    private Task WriteAsync(int index, CompletionChoice choice) => WriteAsync(json => choice.Write(json, index));

    private async Task WriteAsync(Action<Utf8JsonWriter> writeChoice)
    {
        await _writing.WaitAsync(context.RequestAborted);
        try
        {
            await Answer.WritePartAsync(context, json =>
            {
                writeHead(json);
                json.WriteStartArray("choices");
                writeChoice(json);
                json.WriteEndArray();
            });
        }
        finally
        {
            _writing.Release();
        }
    }
}
