using System.Text.Json;
using AsArm.Cli.Options;
using AsArm.Cli.Output;
using AsArm.Inference.Infilling;
using AsArm.Inference.Text;
using AsArm.Server.Configuration;
using AsArm.Server.Fields;
using AsArm.Server.Requests;
using AsArm.Server.Telemetry;

namespace AsArm.Server.Infilling;

/// <summary>A text to fill, of a request or of a line of several, and its answer.</summary>
internal sealed class InfillTask
{
    private readonly TextInfiller _infiller;
    private readonly string _model;
    private readonly string? _id;
    private readonly bool _hasScores;

    /// <summary>Reads the fields.</summary>
    /// <exception cref="RequestException">One is wrong.</exception>
    public InfillTask(FieldValues values, ServerOptions server, string model, TextInfiller infiller)
    {
        (_infiller, _model, _id) = (infiller, model, values.Raw("id"));
        (HasSamples, _hasScores) = (values.Has("samples"), values.Flag("scores"));
        int samples = values.Integer("samples", 1, server.MaxSamples) ?? 1;
        InfillOptions options = InfillFields.OptionsOf(values, server, infiller.Model.VocabularySize);
        if (Ranges.WhyNoSeeds(options.Seed, samples) is string past)
            throw RequestException.Of("seed", $"has too few after it: {past}");
        Prompt = SegmentReader.ReadGaps(values);
        PromptLimits.Require(infiller, Prompt, server, values.Has("segments") ? "segments" : "text", options.Window);
        if (values.Has("segments") && !Prompt.Segments.Any(segment => segment is TextSegment.Gap))
            throw values.Error("segments", "have no gap");
        Options = Samples.OptionsOf(options with { DraftMode = options.DraftMode ?? server.DraftMode }, samples); // a batch would have a mode of its own
    }

    /// <summary>The text.</summary>
    public InfillPrompt Prompt { get; }

    /// <summary>The options of each sample.</summary>
    public IReadOnlyList<InfillOptions> Options { get; }

    /// <summary>Whether an array of samples was asked for.</summary>
    public bool HasSamples { get; }

    /// <summary>Fills it.</summary>
    public Task<InfillResult[]> FillAsync(RequestMeasurement measurement, CancellationToken cancellationToken) =>
        Samples.FillAsync(_infiller, Prompt, Options, measurement, cancellationToken);

    /// <summary>Fills it once there is room in the queue, as one of many lines.</summary>
    public Task<InfillResult[]> FillWhenThereIsRoomAsync(RequestMeasurement measurement, CancellationToken cancellationToken) => Samples.FillWhenThereIsRoomAsync(_infiller, Prompt, Options, measurement, cancellationToken);

    /// <summary>Writes the fields of the answer.</summary>
    public void Write(Utf8JsonWriter json, IReadOnlyList<InfillResult> results)
    {
        WriteId(json);
        var writer = new OutcomeJson(_model, _infiller.Model.Device);
        InfillOutcome[] outcomes = [.. results.Zip(Options, (result, options) => new InfillOutcome(new InfillRequest(Prompt, options), result with { Warning = Prompt.Warning }, null))];
        writer.Write(json, outcomes, HasSamples);
        if (!_hasScores)
            return;
        json.WriteStartArray("token_scores");
        foreach (InfillResult result in results)
            TokenPlaces.Write(json, result.Gaps);
        json.WriteEndArray();
    }

    /// <summary>Writes the id, as it was given.</summary>
    public void WriteId(Utf8JsonWriter json)
    {
        if (_id is null)
            return;
        json.WritePropertyName("id");
        json.WriteRawValue(_id, skipInputValidation: true);
    }
}
