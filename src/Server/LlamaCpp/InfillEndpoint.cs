using System.Diagnostics;
using System.Text.Json;
using AsArm.Inference.Infilling;
using AsArm.Server.Configuration;
using AsArm.Server.Fields;
using AsArm.Server.Models;
using AsArm.Server.Requests;
using AsArm.Server.Telemetry;

namespace AsArm.Server.LlamaCpp;

/// <summary>POST /infill, as editors send it to llama.cpp's server.</summary>
internal static class InfillEndpoint
{
    public static FieldList Fields { get; } = new(
        "input_prefix",
        [
            SamplingFields.Model,
            new Field("input_prefix", FieldType.Text, "The text before the gap; its beginning is cut where the model takes less."),
            new Field("input_suffix", FieldType.Text, "The text after the gap; its end is cut where the model takes less."),
            new Field("prompt", FieldType.Text, "The beginning of the filling, which belongs to the prefix."),
            new Field("n_predict", FieldType.Integer, "Tokens at most; -1 for the server's limit of unknown lengths, 0 for none. Default -1."),
            SamplingFields.Temperature,
            SamplingFields.TopK,
            SamplingFields.TopP,
            new Field("seed", FieldType.Integer, "Repeats a text; -1 draws one."),
            StopTexts.Field,
            new Field("stream", FieldType.Flag, "Answers with events."),
            ResponseFields.Field,
            .. UnsupportedSampling.Fields,
            .. Field.WithoutEffect(
                "input_extra", "cache_prompt", "id_slot", "n_cache_reuse", "n_indent", "n_keep", "n_discard", "n_probs", "min_keep", "samplers", "return_tokens",
                "t_max_prompt_ms", "t_max_predict_ms", "timings_per_token", "post_sampling_probs"),
        ]);

    public static async Task HandleAsync(HttpContext context, ModelPool models, ServerOptions server)
    {
        FieldValues values = await RequestBody.ReadAsync(context, Fields);
        UnsupportedSampling.Require(values);
        ResponseFields wanted = ResponseFields.Read(values);
        using ModelLease model = await models.RentAsync(context, values.Text("model"));
        RequestMeasurement measurement = RequestMeasurement.Of(context);
        long start = Stopwatch.GetTimestamp();
        InfillOptions options = SamplingFields.Read(values, server, model.Infiller.Model.VocabularySize);
        if (options.Seed == -1)
            options = options with { Seed = null };
        int asked = values.Integer("n_predict", -1, int.MaxValue) ?? -1;
        string given = values.Text("input_suffix") ?? "", before = (values.Text("input_prefix") ?? "") + values.Text("prompt");
        int limit = Math.Min(given.Length == 0 ? server.MaxTokens : server.MaxUnknownTokens, Math.Max(1, model.Infiller.Model.MaxTokens / 2));
        int tokens = asked < 0 ? Math.Min(limit, server.MaxUnknownTokens) : Math.Min(asked, limit);
        (string prefix, string suffix) = GapPrompt.Fit(model.Infiller, before, given, tokens);
        var gap = new OneGap(model.Infiller, prefix, suffix, tokens, options, StopTexts.Read(values), measurement);
        bool isCut = prefix.Length + suffix.Length < before.Length + given.Length;
        if (!values.Flag("stream"))
        {
            string content = await gap.FillAsync(context.RequestAborted);
            await Answer.WriteAsync(context, json => wanted.Write(json, all => WriteLast(all, content, gap, model.Name, isCut, start)));
            return;
        }

        Answer.BeginStream(context, Answer.Events);
        await foreach (string piece in gap.StreamAsync(context.RequestAborted))
        {
            await Answer.WritePartAsync(context, json =>
            {
                json.WriteString("content", piece);
                json.WriteBoolean("stop", false);
            });
        }

        await Answer.WritePartAsync(context, json => wanted.Write(json, all => WriteLast(all, "", gap, model.Name, isCut, start)));
    }

    private static void WriteLast(Utf8JsonWriter json, string content, OneGap gap, string model, bool isCut, long start)
    {
        double milliseconds = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        json.WriteNumber("index", 0);
        json.WriteString("content", content);
        json.WriteBoolean("stop", true);
        json.WriteString("model", model);
        json.WriteString("stop_type", gap.Reason);
        json.WriteNumber("tokens_predicted", gap.GeneratedTokens);
        json.WriteNumber("tokens_evaluated", gap.GivenTokens);
        json.WriteNumber("tokens_cached", 0);
        json.WriteBoolean("truncated", isCut);
        if (gap.Result is not null)
            json.WriteNumber("seed", gap.Result.Seed);
        json.WriteStartObject("timings");
        json.WriteNumber("prompt_n", gap.GivenTokens);
        json.WriteNumber("predicted_n", gap.GeneratedTokens);
        json.WriteNumber("predicted_ms", Math.Round(milliseconds, 3));
        json.WriteNumber("predicted_per_second", Math.Round(gap.GeneratedTokens / Math.Max(0.001, milliseconds) * 1000, 3));
        json.WriteEndObject();
    }
}
