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
    private int _choicesLeft = request.Prompts.Count * request.N;

    /// <summary>All events.</summary>
    public async Task RunAsync()
    {
        Answer.BeginStream(context, Answer.Events);
        await AllOrNothing.WaitAsync(token => Enumerable.Range(0, request.Prompts.Count).SelectMany(prompt => TasksOf(prompt, token)), context.RequestAborted);
        if (request.IncludeUsage == true)
        {
            await Answer.WritePartAsync(context, json =>
            {
                writeHead(json);
                json.WriteStartArray("choices");
                json.WriteEndArray();
                runner.Usage.Write(json);
            });
        }

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
            await WriteAsync(json => choice.Write(json, (prompt * request.N) + i), isLast: true);
    }

    /// <summary>Events with the text from left to right, as far as it will not change. An echoed prompt comes with the first of them, when the request has its place.</summary>
    private async Task IncrementalAsync(int prompt, int index, InfillOptions options, bool isFirst, CancellationToken cancellationToken)
    {
        CompletionPrompt text = request.Prompts[prompt];
        string before = request.Echo ? text.Text : "";
        await foreach (TextDelta delta in TextDelta.ReadAsync(infiller, text.Infill!, options, request.Stop, update => ShownOf(text, update), runner.Measurement, cancellationToken))
        {
            if (delta.IsLast)
                runner.Count(isFirst ? delta.Update.Result?.Usage.GivenTokens ?? PromptLimits.GivenTokens(infiller, text.Infill!) : 0, delta.GeneratedTokens);
            var piece = new CompletionChoice(before + delta.Text, delta.IsLast ? CompletionRunner.ReasonOf(text, delta.IsCut) : null)
            {
                Gaps = delta.IsLast && text.IsMarkup ? [.. delta.Update.Result!.Gaps.Select(gap => gap.Text)] : null,
                Seed = delta.IsLast ? options.Seed : null,
            };
            await WriteAsync(json => piece.Write(json, index), delta.IsLast);
            before = "";
        }
    }

    private static string ShownOf(CompletionPrompt prompt, InfillUpdate update) => !prompt.IsMarkup ? TextDelta.GapOf(update, prompt.Text.Length)
        : update.Result?.Text ?? update.Text[..update.StableLength];

    /// <summary>Writes an event with a choice.</summary>
    /// <param name="writeChoice">Writes the choice.</param>
    /// <param name="isLast">Whether it is the last event of this choice.</param>
    private async Task WriteAsync(Action<Utf8JsonWriter> writeChoice, bool isLast)
    {
        await _writing.WaitAsync(context.RequestAborted);
        try
        {
            if (isLast)
                _choicesLeft--;
            await Answer.WritePartAsync(context, json =>
            {
                writeHead(json);
                json.WriteStartArray("choices");
                writeChoice(json);
                json.WriteEndArray();
                if (request.IncludeUsage == true)
                    json.WriteNull("usage");
                else if (request.IncludeUsage is null && _choicesLeft == 0)
                    runner.Usage.Write(json);
            });
        }
        finally
        {
            _writing.Release();
        }
    }
}
