using AsArm.Assd.Distributions;
using AsArm.Inference.Infilling;
using AsArm.Inference.Text;
using AsArm.Server.Requests;
using AsArm.Server.Telemetry;

namespace AsArm.Server.Completions;

/// <summary>Fills and scores the prompts of a request.</summary>
/// <param name="request">The request.</param>
/// <param name="infiller">The model.</param>
/// <param name="measurement">Counts the tokens.</param>
internal sealed class CompletionRunner(CompletionRequest request, TextInfiller infiller, RequestMeasurement measurement)
{
    /// <summary>Counts the tokens.</summary>
    public RequestMeasurement Measurement => measurement;

    /// <summary>The counts so far.</summary>
    public CompletionUsage Usage { get; } = new();

    /// <summary>The choices of a prompt.</summary>
    /// <param name="index">The index of the prompt.</param>
    /// <param name="cancellationToken">Cancels it.</param>
    public async Task<IReadOnlyList<CompletionChoice>> ChoicesAsync(int index, CancellationToken cancellationToken)
    {
        CompletionPrompt prompt = request.Prompts[index];
        SpanScore? echoed = null;
        InfillResult[] results = [];
        await AllOrNothing.WaitAsync(token => [ScoreAsync(token), FillAsync(token)], cancellationToken);
        if (prompt.Infill is null)
        {
            Count(PromptLimits.GivenTokens(infiller, prompt.Prompt.Given), 0);
            return [.. Enumerable.Repeat(Nothing(prompt, echoed), request.N)];
        }

        Count(results[0].Usage.GivenTokens, results.Sum(result => GeneratedTokens(prompt, result)));
        IEnumerable<InfillResult> best = request.BestOf > request.N ? results.OrderByDescending(Quality).Take(request.N) : results;
        return await AllOrNothing.RunAsync(token => best.Select(result => ChoiceOfAsync(prompt, result, echoed, token)), cancellationToken);

        async Task ScoreAsync(CancellationToken token) => echoed = await EchoAsync(prompt, token);

        async Task FillAsync(CancellationToken token) =>
            results = prompt.Infill is null ? [] : await Samples.FillAsync(infiller, prompt.Infill, OptionsOf(index), measurement, token);
    }

    /// <summary>The options of the samples of a prompt.</summary>
    public InfillOptions[] OptionsOf(int index)
    {
        InfillOptions options = request.Options with { GapSpacing = request.Prompts[index].Spacing };
        return Samples.OptionsOf(options.Seed is long seed ? options with { Seed = unchecked(seed + (index * request.BestOf)) } : options, request.BestOf);
    }

    /// <summary>Adds to the counts.</summary>
    public void Count(int given, int generated)
    {
        lock (Usage)
            (Usage.PromptTokens, Usage.CompletionTokens) = (Usage.PromptTokens + given, Usage.CompletionTokens + generated);
    }

    /// <summary>Why a text has ended where it has.</summary>
    public static string ReasonOf(CompletionPrompt prompt, bool isCut) => isCut || prompt.HasSuffix || prompt.IsMarkup ? "stop" : "length";

    /// <summary>The tokens generated, up to a stop text.</summary>
    private int GeneratedTokens(CompletionPrompt prompt, InfillResult result) =>
        request.Stop.CutIn(prompt.TextOf(result)) is int cut ? StopTexts.TokensBefore(result.Gaps[0].Tokens, cut) : result.Usage.GeneratedTokens;

    private static double Quality(InfillResult result) => result.Statistics.LogProbability / result.Statistics.Generated;

    private async Task<SpanScore?> EchoAsync(CompletionPrompt prompt, CancellationToken cancellationToken)
    {
        if (!prompt.IsScored || !prompt.Prompt.HasTargets)
            return null;
        var options = new ScoreOptions { TopTokens = request.Logprobs!.Value, Timeout = request.Options.Timeout };
        return (await infiller.ScoreAsync(prompt.Prompt.Scored, options, cancellationToken)).Spans[0];
    }

    private CompletionChoice Nothing(CompletionPrompt prompt, SpanScore? score) => new(request.Echo ? prompt.Text : "", "length")
    {
        Tokens = request.Logprobs is null ? null : [.. prompt.IsScored ? AnsweredToken.Of(prompt.Prompt, score, infiller) : []],
        Alternatives = request.Logprobs ?? 0,
    };

    private async Task<CompletionChoice> ChoiceOfAsync(CompletionPrompt prompt, InfillResult result, SpanScore? echoed, CancellationToken cancellationToken)
    {
        string text = prompt.TextOf(result);
        int? cut = request.Stop.CutIn(text);
        string before = request.Echo ? prompt.Text : "";
        return new CompletionChoice(before + text[..(cut ?? text.Length)], ReasonOf(prompt, cut is not null))
        {
            Tokens = request.Logprobs is null ? null : [.. prompt.IsScored ? AnsweredToken.Of(prompt.Prompt, echoed, infiller) : [], .. await TokensOfAsync(prompt, result, before.Length, cut, cancellationToken)],
            Alternatives = request.Logprobs ?? 0,
            Gaps = prompt.IsMarkup ? [.. result.Gaps.Select(gap => gap.Text)] : null,
            Seed = result.Seed,
        };
    }

    private async Task<IEnumerable<AnsweredToken>> TokensOfAsync(CompletionPrompt prompt, InfillResult result, int before, int? cut, CancellationToken cancellationToken)
    {
        IReadOnlyList<IReadOnlyList<TokenProbability>>? top = request.Logprobs > 0 ? await infiller.TopTokensAsync(result, request.Logprobs.Value, cancellationToken) : null;
        int shift = prompt.IsMarkup ? 0 : before - result.Gaps[0].Start;
        return AnsweredToken.Of(result, top, infiller, shift).Where(token => cut is null || token.Offset < before + cut);
    }
}
