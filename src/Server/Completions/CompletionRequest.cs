using System.Text.Json;
using AsArm.Inference.Infilling;
using AsArm.Inference.Text;
using AsArm.Server.Configuration;
using AsArm.Server.Fields;
using AsArm.Server.Requests;

namespace AsArm.Server.Completions;

/// <summary>A request of OpenAI's completions interface; docs/server.md is its contract.</summary>
internal sealed record CompletionRequest
{
    /// <summary>The default of max_tokens, OpenAI's.</summary>
    public const int DefaultMaxTokens = 16;

    /// <summary>The maximum of logprobs, OpenAI's.</summary>
    public const int MaxLogprobs = 5;

    public static FieldList Fields { get; } = new(
        "prompt",
        [
            SamplingFields.Model,
            new Field("prompt", FieldType.Prompt, "A text, an array of texts, or an array of token ids of the model, or several of these. Ids are evaluated as they are. A text with gap markup (<mask:N>, docs/gaps.md) is filled as it is; in all others nothing is markup, a backslash neither."),
            new Field("markup", FieldType.Flag, "Whether a text may have gap markup. Default true; false for texts of others. It is false with a suffix, with max_tokens 0 and for token ids."),
            new Field("suffix", FieldType.Text, "The text after the gap. The gap then has an unknown length up to max_tokens and the server's limit."),
            new Field("max_tokens", FieldType.Integer, "Tokens that are generated at most; without a suffix and without gap markup exactly so many. 0 generates nothing. Default 16."),
            SamplingFields.Temperature,
            SamplingFields.TopP,
            SamplingFields.TopK,
            new Field("n", FieldType.Integer, "Number of texts for each prompt. Default 1."),
            new Field("best_of", FieldType.Integer, "Number of texts that are sampled, of which the n with the highest log-probability per token are answered. Default n."),
            SamplingFields.Seed,
            new Field("stream", FieldType.Flag, "Answers with events as tokens are committed."),
            new Field("stream_options", FieldType.Object, "With stream: {\"include_usage\": true} for a last event with the usage and no choice, false for no usage. Without it, the last event of the last choice has the usage."),
            StopTexts.Field,
            new Field("logprobs", FieldType.Integer, "0 to 5: log-probabilities of the tokens, and so many of the most probable ones in the place of each. Those of generated tokens are of the distribution that is sampled; at temperature 0, the alternatives are of temperature 1."),
            new Field("echo", FieldType.Flag, "Answers with the prompt before the completion; with logprobs its tokens are scored, from left to right, at temperature 1 and without logit_bias. The first has a number too: the model puts its separator before it. Special tokens at the start of token ids have null."),
            SamplingFields.LogitBias,
            new Field("presence_penalty", FieldType.Number, "0 only."),
            new Field("frequency_penalty", FieldType.Number, "0 only."),
            .. Field.WithoutEffect("user"),
        ]);

    private static readonly FieldList s_streamOptions = new(
        "stream_options",
        [
            new Field("include_usage", FieldType.Flag, "Whether there is a last event with the usage."),
            .. Field.WithoutEffect("include_obfuscation"),
        ]);

    public required IReadOnlyList<CompletionPrompt> Prompts { get; init; }

    public required InfillOptions Options { get; init; }

    public required StopTexts Stop { get; init; }

    public required int N { get; init; }

    public required int BestOf { get; init; }

    /// <summary>The number of alternatives; null without log-probabilities.</summary>
    public required int? Logprobs { get; init; }

    public required bool Echo { get; init; }

    public required bool Stream { get; init; }

    /// <summary>Whether a stream ends with an event that has the usage alone; null for the usage in the last event with a choice.</summary>
    public required bool? IncludeUsage { get; init; }

    /// <summary>Reads a request.</summary>
    /// <exception cref="RequestException">A field is wrong.</exception>
    public static CompletionRequest Read(FieldValues values, ServerOptions server, TextInfiller infiller)
    {
        values.RequireNeutral("presence_penalty", "0");
        values.RequireNeutral("frequency_penalty", "0");
        int n = values.Integer("n", 1, server.MaxSamples) ?? 1;
        var request = new CompletionRequest
        {
            Options = SamplingFields.Read(values, server, infiller.Model.VocabularySize),
            Stop = StopTexts.Read(values),
            N = n,
            BestOf = values.Integer("best_of", n, server.MaxSamples) ?? n,
            Logprobs = values.Integer("logprobs", 0, MaxLogprobs),
            Echo = values.Flag("echo"),
            Stream = values.Flag("stream"),
            IncludeUsage = IncludeUsageOf(values),
            Prompts = ReadPrompts(values, server, infiller),
        };
        request.RequireCombination(values, server);
        return request;
    }

    private static bool? IncludeUsageOf(FieldValues values)
    {
        if (values.Value("stream_options") is not JsonElement given)
            return null;
        if (!values.Flag("stream"))
            throw values.Error("stream_options", "is for streams alone");
        FieldValues options = s_streamOptions.Read(given, "stream_options.");
        return options.Has("include_usage") ? options.Flag("include_usage") : null;
    }

    private static CompletionPrompt[] ReadPrompts(FieldValues values, ServerOptions server, TextInfiller infiller)
    {
        int? maxTokens = values.Integer("max_tokens", 0, server.MaxTokens);
        string? suffix = values.Text("suffix");
        bool hasMarkup = values.Flag("markup", otherwise: true) && string.IsNullOrEmpty(suffix) && !PromptTexts.AreTokens(values);
        bool isScored = values.Flag("echo") && values.Value("logprobs") is not null;
        IReadOnlyList<PromptText> prompts = PromptTexts.Read(values, server, infiller);
        return [.. prompts.Select(prompt => PromptOf(prompt, suffix, maxTokens, hasMarkup, server, infiller) with
        {
            IsScored = isScored && prompt.RequireScorable(infiller, "prompt"),
        })];
    }

    private static CompletionPrompt PromptOf(PromptText text, string? suffix, int? maxTokens, bool hasMarkup, ServerOptions server, TextInfiller infiller)
    {
        GapSpacing spacing = text.Tokens is null ? GapPrompt.SpacingAfter(text.Text) : GapSpacing.FromModel;
        bool hasSuffix = !string.IsNullOrEmpty(suffix);
        if (maxTokens == 0)
            return new CompletionPrompt(text, null, spacing) { HasSuffix = hasSuffix };
        InfillPrompt? markup = hasMarkup ? MarkupOf(text.Text) : null;
        int tokens = maxTokens ?? DefaultMaxTokens;
        InfillPrompt prompt = markup ?? GapPrompt.Of(text.Given, suffix, hasSuffix ? Math.Min(tokens, server.MaxUnknownTokens) : tokens);
        PromptLimits.Require(infiller, prompt, server, "prompt");
        if (markup is not null && markup.Segments.OfType<TextSegment.Gap>().Sum(gap => gap.Count) > maxTokens)
            throw RequestException.Of("max_tokens", "is less than the gaps of the prompt have");
        return new CompletionPrompt(text, prompt, markup is null ? spacing : GapSpacing.AsTyped) { HasSuffix = hasSuffix, IsMarkup = markup is not null };
    }

    /// <summary>The prompt with its gaps; null for a text without, in which nothing is markup then.</summary>
    private static InfillPrompt? MarkupOf(string text)
    {
        InfillPrompt prompt = InfillPrompt.Parse(text);
        return prompt.Segments.Any(segment => segment is TextSegment.Gap) ? prompt : null;
    }

    private void RequireCombination(FieldValues values, ServerOptions server)
    {
        PromptLimits.RequireSamples(BestOf * Prompts.Count, server, BestOf > N ? "best_of" : "n");
        if (Stream && BestOf > N)
            throw values.Error("best_of", "cannot be greater than n with stream");
        if (Stream && Echo && Logprobs is not null)
            throw values.Error("echo", "with logprobs is not answered as a stream");
        if (Stop.Longest > 0 && Prompts.Any(prompt => prompt.IsMarkup))
            throw values.Error("stop", "has no meaning for a prompt with gaps, whose whole text is answered: leave it out");
        if (Echo && Prompts.Any(prompt => prompt.IsMarkup))
            throw values.Error("echo", "has no effect on a prompt with gaps, whose whole text is answered: leave it out");
        if (Echo && Logprobs is not null && Prompts.Any(prompt => prompt.HasSuffix))
            throw values.Error("echo", "with logprobs is for prompts without a suffix");
        if (Prompts.Any(prompt => prompt.Infill is null && prompt.HasSuffix))
            throw values.Error("max_tokens", "must be at least 1 with a suffix");
    }
}
