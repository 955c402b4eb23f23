using System.Diagnostics;
using System.Text.Json;
using AsArm.Assd.Samplers;
using AsArm.Cli.Output;
using AsArm.Inference.Infilling;
using AsArm.Server.Configuration;
using AsArm.Server.Fields;
using AsArm.Server.Models;
using AsArm.Server.Telemetry;

namespace AsArm.Server.Infilling;

/// <summary>POST /v1/infill: a text, or lines of texts where the body is application/x-ndjson.</summary>
internal static class InfillEndpoint
{
    public static async Task HandleAsync(HttpContext context, ModelPool models, ServerOptions options)
    {
        if (InfillLines.AreIn(context))
        {
            await InfillLines.HandleAsync(context, models, options);
            return;
        }

        FieldValues values = await RequestBody.ReadAsync(context, InfillFields.Request);
        using ModelLease model = await models.RentAsync(context, values.Text("model"));
        RequestMeasurement measurement = RequestMeasurement.Of(context);
        var task = new InfillTask(values, options, model.Name, model.Infiller);
        if (values.Flag("stream"))
        {
            if (task.HasSamples)
                throw values.Error("samples", "are not answered as a stream: send a request for each");
            await StreamAsync(context, task, model.Infiller, measurement);
            return;
        }

        InfillResult[] results = await task.FillAsync(measurement, context.RequestAborted);
        await Answer.WriteAsync(context, json => task.Write(json, results));
    }

    private static async Task StreamAsync(HttpContext context, InfillTask task, TextInfiller infiller, RequestMeasurement measurement)
    {
        bool wantsEvents = context.Request.Headers.Accept.ToString().Contains(Answer.Events, StringComparison.OrdinalIgnoreCase);
        Answer.BeginStream(context, wantsEvents ? Answer.Events : Answer.Lines);
        SamplingStatistics before = default;
        await foreach (InfillUpdate update in infiller.InfillStreamAsync(new InfillRequest(task.Prompt, task.Options[0]), context.RequestAborted))
        {
            SamplingStatistics since = before;
            measurement.AddTokens(update.Committed.Count, Stopwatch.GetTimestamp());
            await Answer.WritePartAsync(context, json =>
            {
                WriteUpdate(json, update, since);
                if (update.Result is InfillResult result)
                {
                    json.WriteStartObject("result");
                    task.Write(json, [result]);
                    json.WriteEndObject();
                }
            });
            before = update.Statistics;
        }
    }

    /// <summary>
    /// What a forward pass has done. Accepted draft tokens are committed before the one that replaces a rejected one or follows them, so that the first
    /// of the committed tokens are the accepted ones.
    /// </summary>
    private static void WriteUpdate(Utf8JsonWriter json, InfillUpdate update, SamplingStatistics before)
    {
        SamplingStatistics counts = update.Statistics;
        int accepted = Math.Min(counts.Accepted - before.Accepted, update.Committed.Count);
        json.WriteBoolean("done", update.IsFinal);
        json.WriteString("text", update.Text);
        json.WriteNumber("stable_length", update.StableLength);
        json.WriteNumber("nfe", counts.Nfe);
        json.WriteNumber("drafted", counts.Drafted - before.Drafted);
        json.WriteNumber("accepted", accepted);
        json.WriteNumber("corrected", update.Committed.Count - accepted);
        json.WriteStartArray("committed");
        foreach ((int index, CommittedToken token) in update.Committed.Index())
        {
            json.WriteStartObject();
            json.WriteNumber("gap", token.Gap);
            json.WriteNumber("index", token.Index);
            TokenJson.WriteFields(json, token.Token);
            json.WriteBoolean("drafted", index < accepted);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
