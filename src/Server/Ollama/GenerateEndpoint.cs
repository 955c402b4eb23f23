using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using AsArm.Inference.Infilling;
using AsArm.Server.Configuration;
using AsArm.Server.Fields;
using AsArm.Server.Models;
using AsArm.Server.Requests;
using AsArm.Server.Telemetry;

namespace AsArm.Server.Ollama;

/// <summary>POST /api/generate, as Ollama's clients send it.</summary>
internal static class GenerateEndpoint
{
    private const int DefaultTokens = 128;

    private static readonly FieldList s_options = new(
        "options",
        [
            SamplingFields.Temperature,
            SamplingFields.TopK,
            SamplingFields.TopP,
            SamplingFields.Seed,
            StopTexts.Field,
            new Field("num_predict", FieldType.Integer, "Tokens at most; -1 or -2 for the server's limit. Default 128."),
            .. UnsupportedSampling.Fields,
            new Field("tfs_z", FieldType.Number, "1 only."),
            .. Field.WithoutEffect("num_ctx", "num_keep", "num_batch", "num_gpu", "main_gpu", "num_thread", "use_mmap", "use_mlock", "low_vram", "numa", "vocab_only", "f16_kv", "logits_all", "embedding_only", "num_gqa"),
        ]);

    public static FieldList Fields { get; } = new(
        "prompt",
        [
            SamplingFields.Model,
            new Field("prompt", FieldType.Text, "The text before the gap; its beginning is cut where the model takes less."),
            new Field("suffix", FieldType.Text, "The text after the gap; its end is cut where the model takes less."),
            new Field("stream", FieldType.Flag, "Answers with lines. Default true."),
            new Field("options", FieldType.Object, "temperature, top_k, top_p, seed, stop, num_predict; those of memory and threads are accepted without effect."),
            new Field("system", FieldType.Text, "Empty only."),
            new Field("template", FieldType.Text, "Empty only."),
            new Field("images", FieldType.Objects, "Empty only."),
            new Field("format", FieldType.Text, "Empty only."),
            new Field("think", FieldType.Flag, "False only."),
            new Field("logprobs", FieldType.Flag, "False only."),
            new Field("top_logprobs", FieldType.Integer, "0 only."),
            .. Field.WithoutEffect("keep_alive", "raw", "context"),
        ]);

    public static async Task HandleAsync(HttpContext context, ModelPool models, ServerOptions server)
    {
        FieldValues values = await RequestBody.ReadAsync(context, Fields);
        foreach (string name in (string[])["system", "template", "format"])
            values.RequireNeutral(name, "\"\"");
        values.RequireNeutral("images", "[]");
        values.RequireNeutral("think", "false");
        values.RequireNeutral("logprobs", "false");
        values.RequireNeutral("top_logprobs", "0");
        using ModelLease model = await models.RentAsync(context, ModelOf(values.Text("model")));
        RequestMeasurement measurement = RequestMeasurement.Of(context);
        long start = Stopwatch.GetTimestamp();
        OneGap gap = GapOf(values, server, model.Infiller, measurement);
        if (!values.Flag("stream", otherwise: true))
        {
            string text = await gap.FillAsync(context.RequestAborted);
            await Answer.WriteAsync(context, json => WriteLast(json, text, gap, model.Name, start));
            return;
        }

        Answer.BeginStream(context, Answer.Lines);
        await foreach (string piece in gap.StreamAsync(context.RequestAborted))
        {
            await Answer.WritePartAsync(context, json =>
            {
                WriteHead(json, model.Name, piece);
                json.WriteBoolean("done", false);
            });
        }

        await Answer.WritePartAsync(context, json => WriteLast(json, "", gap, model.Name, start));
    }

    /// <summary>GET /api/tags: the models.</summary>
    public static Task TagsAsync(HttpContext context, ModelPool models) => Answer.WriteAsync(context, json =>
    {
        json.WriteStartArray("models");
        foreach (string name in models.Names)
        {
            json.WriteStartObject();
            json.WriteString("name", name);
            json.WriteString("model", name);
            json.WriteString("modified_at", models.CreatedAt(name).ToString("O", CultureInfo.InvariantCulture));
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    /// <summary>Ollama's clients add ":latest" to names.</summary>
    private static string? ModelOf(string? name) => name is not null && name.EndsWith(":latest", StringComparison.Ordinal) ? name[..^":latest".Length] : name;

    private static OneGap GapOf(FieldValues values, ServerOptions server, TextInfiller infiller, RequestMeasurement measurement)
    {
        FieldValues options = values.Value("options") is JsonElement given ? s_options.Read(given, "options.") : new FieldValues(new Dictionary<string, JsonElement>(), "options.");
        UnsupportedSampling.Require(options);
        options.RequireNeutral("tfs_z", "1");
        InfillOptions sampling = SamplingFields.Read(options, server, infiller.Model.VocabularySize);
        string before = values.Text("prompt") ?? "", after = values.Text("suffix") ?? "";
        int limit = Math.Min(after.Length == 0 ? server.MaxTokens : server.MaxUnknownTokens, Math.Max(1, infiller.Model.MaxTokens / 2));
        int asked = options.Integer("num_predict", -2, int.MaxValue) ?? DefaultTokens;
        int tokens = before.Length + after.Length == 0 ? 0 : asked < 0 ? limit : Math.Min(asked, limit); // without a text, clients ask for the model to be loaded
        (string prefix, string suffix) = GapPrompt.Fit(infiller, before, after, tokens);
        return new OneGap(infiller, prefix, suffix, tokens, sampling, StopTexts.Read(options), measurement);
    }

    private static void WriteHead(Utf8JsonWriter json, string model, string text)
    {
        json.WriteString("model", model);
        json.WriteString("created_at", DateTime.UtcNow.ToString("O", CultureInfo.InvariantCulture));
        json.WriteString("response", text);
    }

    private static void WriteLast(Utf8JsonWriter json, string text, OneGap gap, string model, long start)
    {
        long nanoseconds = (long)(Stopwatch.GetElapsedTime(start).TotalMilliseconds * 1e6);
        WriteHead(json, model, text);
        json.WriteBoolean("done", true);
        json.WriteString("done_reason", gap.Prompt is null ? "load" : gap.Reason == "limit" ? "length" : "stop");
        json.WriteNumber("total_duration", nanoseconds);
        json.WriteNumber("load_duration", 0);
        json.WriteNumber("prompt_eval_count", gap.GivenTokens);
        json.WriteNumber("prompt_eval_duration", 0);
        json.WriteNumber("eval_count", gap.GeneratedTokens);
        json.WriteNumber("eval_duration", nanoseconds);
    }
}
