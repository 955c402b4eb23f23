using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Unicode;
using AsArm.Cli.Options;
using AsArm.Inference.Infilling;

namespace AsArm.Cli.Lines;

/// <summary>Reads the fields of a line of JSON; docs/json-lines.md is their contract.</summary>
/// <param name="defaults">The options of the command line, for what a line leaves out.</param>
internal sealed class LineParser(InfillOptions defaults)
{
    private const int ShownCharacters = 40;
    private static readonly string[] s_fields =
        ["text", "id", "samples", "seed", "sampler", "order", "temperature", "top_k", "top_p", "draft_length", "gap_spacing", "window"];

    /// <summary>Nothing but white space.</summary>
    public static bool IsBlank(RawLine raw) =>
        raw.Bytes is ReadOnlyMemory<byte> bytes && WithoutMark(bytes).Span.IndexOfAnyExcept(" \t\r\v\f"u8) < 0;

    /// <summary>The line with its requests, or with what is wrong with it.</summary>
    public InfillLine Parse(RawLine raw)
    {
        var line = new InfillLine(raw.Number);
        try
        {
            ReadOnlyMemory<byte> bytes = raw.Bytes ?? throw new FormatException($"longer than {LineReader.MaxBytes >> 20} MiB");
            bytes = WithoutMark(bytes);
            if (!Utf8.IsValid(bytes.Span))
                throw new FormatException("not valid UTF-8");
            using JsonDocument document = JsonDocument.Parse(bytes);
            Read(document.RootElement, line);
        }
        catch (JsonException error)
        {
            bool isTooDeep = error.Message.Contains("depth", StringComparison.Ordinal);
            line.Error = isTooDeep ? "JSON is nested more than 64 deep" : $"not valid JSON at byte {error.BytePositionInLine}";
        }
        catch (InvalidOperationException)
        {
            line.Error = "a string with an unpaired surrogate";
        }
        catch (FormatException error)
        {
            line.Error = error.Message;
        }

        return line;
    }

    private static ReadOnlyMemory<byte> WithoutMark(ReadOnlyMemory<byte> bytes) =>
        bytes.Span.StartsWith("\uFEFF"u8) ? bytes["\uFEFF"u8.Length..] : bytes;

    private void Read(JsonElement root, InfillLine line)
    {
        if (root.ValueKind != JsonValueKind.Object)
            throw new FormatException("not a JSON object");
        if (root.TryGetProperty("id", out JsonElement id))
            line.Id = id.GetRawText(); // before anything can be wrong
        Dictionary<string, JsonElement> fields = FieldsOf(root);
        if (!fields.TryGetValue("text", out JsonElement text) || text.ValueKind != JsonValueKind.String)
            throw new FormatException("the field \"text\" is missing or not a string");
        InfillOptions options = OptionsOf(fields, line.Number);
        int? samples = Number(fields, "samples", Ranges.Samples);
        line.HasSamples = samples is not null;
        string content = text.GetString()!;
        if (Ranges.WhyTooManySamples(content, samples ?? 1) is string tooMany)
            throw new FormatException(tooMany);
        line.Requests = RequestsOf(content, options, samples);
        line.Characters = (long)content.Length * line.Requests.Count;
    }

    private static InfillRequest[] RequestsOf(string text, InfillOptions options, int? samples)
    {
        if (samples is null)
            return [new InfillRequest(text, options)];
        if (Ranges.WhyNoSeeds(options.Seed, samples) is string past)
            throw new FormatException(past);
        long seed = options.Seed ?? RandomNumberGenerator.GetInt32(int.MaxValue);
        return [.. Enumerable.Range(0, samples.Value).Select(i => new InfillRequest(text, options with { Seed = seed + i }))];
    }

    private InfillOptions OptionsOf(Dictionary<string, JsonElement> fields, long line) => defaults with
    {
        Seed = Number(fields, "seed", Ranges.Seed) ?? defaults.Seed + line - 1,
        Sampler = Choice(fields, "sampler", ChoiceNames.Samplers) ?? defaults.Sampler,
        Order = Choice(fields, "order", ChoiceNames.Orders) ?? defaults.Order,
        Window = Flag(fields, "window") ?? defaults.Window,
        GapSpacing = Choice(fields, "gap_spacing", ChoiceNames.Spacings) ?? defaults.GapSpacing,
        Temperature = Number(fields, "temperature", Ranges.Temperature) ?? defaults.Temperature,
        TopK = Number(fields, "top_k", Ranges.TopK) ?? defaults.TopK,
        TopP = Number(fields, "top_p", Ranges.TopP) ?? defaults.TopP,
        DraftLength = Number(fields, "draft_length", Ranges.DraftLength) ?? defaults.DraftLength,
    };

    /// <summary>By name; each is known and occurs once.</summary>
    private static Dictionary<string, JsonElement> FieldsOf(JsonElement root)
    {
        var fields = new Dictionary<string, JsonElement>();
        foreach (JsonProperty property in root.EnumerateObject())
        {
            if (!s_fields.Contains(property.Name))
                throw new FormatException($"unknown field {Shown($"\"{property.Name}\"")}: use {string.Join(", ", s_fields.Select(name => $"\"{name}\""))}");
            if (!fields.TryAdd(property.Name, property.Value))
                throw new FormatException($"the field \"{property.Name}\" occurs twice");
        }

        return fields;
    }

    /// <summary>Null where the field is missing or null.</summary>
    private static T? Number<T>(Dictionary<string, JsonElement> fields, string name, NumberRange<T> range)
        where T : struct, INumberBase<T>
    {
        if (!fields.TryGetValue(name, out JsonElement value) || value.ValueKind == JsonValueKind.Null)
            return null;
        return value.ValueKind == JsonValueKind.Number
            && T.TryParse(value.GetRawText(), NumberStyles.Float, CultureInfo.InvariantCulture, out T number) && range.Holds(number)
                ? number
                : throw new FormatException($"\"{name}\" must be {range.Text}, not {Shown(value.GetRawText())}");
    }

    private static T? Choice<T>(Dictionary<string, JsonElement> fields, string name, IReadOnlyDictionary<string, T> choices)
        where T : struct, Enum
    {
        if (!fields.TryGetValue(name, out JsonElement value) || value.ValueKind == JsonValueKind.Null)
            return null;
        return value.ValueKind == JsonValueKind.String && choices.TryGetValue(value.GetString()!, out T choice)
            ? choice
            : throw new FormatException($"\"{name}\" must be {string.Join(", ", choices.Keys)}, not {Shown(value.GetRawText())}");
    }

    private static bool? Flag(Dictionary<string, JsonElement> fields, string name)
    {
        if (!fields.TryGetValue(name, out JsonElement value) || value.ValueKind == JsonValueKind.Null)
            return null;
        return value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? value.GetBoolean()
            : throw new FormatException($"\"{name}\" must be true or false, not {Shown(value.GetRawText())}");
    }

    private static string Shown(string value) => value.Length <= ShownCharacters ? value : value[..ShownCharacters] + "...";
}
