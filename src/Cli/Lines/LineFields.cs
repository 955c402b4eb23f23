using System.Globalization;
using System.Numerics;
using System.Text.Json;
using System.Text.Unicode;
using AsArm.Cli.Options;
using AsArm.Inference.Text;

namespace AsArm.Cli.Lines;

/// <summary>The fields of a line of JSON by their names; each is known and occurs once. One that is null is as one that is missing.</summary>
internal sealed class LineFields
{
    private const int ShownCharacters = 40;
    private readonly Dictionary<string, JsonElement> _fields = [];

    /// <param name="root">An object.</param>
    /// <param name="known">The names of fields.</param>
    /// <exception cref="FormatException">A field is unknown, or occurs twice.</exception>
    public LineFields(JsonElement root, IReadOnlyCollection<string> known)
    {
        foreach (JsonProperty property in root.EnumerateObject())
        {
            if (!known.Contains(property.Name))
                throw new FormatException($"unknown field {Shown($"\"{property.Name}\"")}: use {string.Join(", ", known.Select(name => $"\"{name}\""))}");
            if (!_fields.TryAdd(property.Name, property.Value))
                throw new FormatException($"the field \"{property.Name}\" occurs twice");
        }
    }

    /// <summary>The field "text", which must be there.</summary>
    /// <exception cref="FormatException">It is missing or not a string.</exception>
    public string Text => _fields.TryGetValue("text", out JsonElement text) && text.ValueKind == JsonValueKind.String
        ? text.GetString()!
        : throw new FormatException("the field \"text\" is missing or not a string");

    /// <summary>Nothing but white space.</summary>
    public static bool IsBlank(RawLine raw) =>
        raw.Bytes is ReadOnlyMemory<byte> bytes && WithoutMark(bytes).Span.IndexOfAnyExcept(" \t\r\v\f"u8) < 0;

    /// <summary>The bytes of a line without a byte order mark.</summary>
    /// <exception cref="FormatException">It is too long or not UTF-8.</exception>
    public static ReadOnlyMemory<byte> BytesOf(RawLine raw)
    {
        ReadOnlyMemory<byte> bytes = raw.Bytes ?? throw new FormatException($"longer than {LineReader.MaxBytes >> 20} MiB");
        bytes = WithoutMark(bytes);
        return Utf8.IsValid(bytes.Span) ? bytes : throw new FormatException("not valid UTF-8");
    }

    /// <summary>Reads the JSON object of a line.</summary>
    /// <param name="raw">The line.</param>
    /// <param name="read">Takes the object, and throws <see cref="FormatException" /> if something is wrong with it.</param>
    /// <returns>What is wrong with the line; null for a good one.</returns>
    public static string? Read(RawLine raw, Action<JsonElement> read)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(BytesOf(raw));
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new FormatException("not a JSON object");
            read(document.RootElement);
            return null;
        }
        catch (JsonException error)
        {
            bool isTooDeep = error.Message.Contains("configured depth", StringComparison.Ordinal);
            return isTooDeep ? "JSON is nested more than 64 deep" : $"not valid JSON at byte {error.BytePositionInLine}";
        }
        catch (InvalidOperationException)
        {
            return "a string with an unpaired surrogate";
        }
        catch (FormatException error)
        {
            return error.Message;
        }
    }

    /// <summary>The value of "id" as it was written; null without one.</summary>
    public static string? IdOf(JsonElement root) => root.TryGetProperty("id", out JsonElement id) ? id.GetRawText() : null;

    /// <exception cref="FormatException">It is not a number of the range.</exception>
    public T? Number<T>(string name, NumberRange<T> range)
        where T : struct, INumberBase<T>
    {
        if (Find(name) is not JsonElement value)
            return null;
        return value.ValueKind == JsonValueKind.Number
            && T.TryParse(value.GetRawText(), NumberStyles.Float, CultureInfo.InvariantCulture, out T number) && range.Holds(number)
                ? number
                : throw new FormatException($"\"{name}\" must be {range.Text}, not {Shown(value.GetRawText())}");
    }

    /// <exception cref="FormatException">It is not one of the names.</exception>
    public T? Choice<T>(string name, IReadOnlyDictionary<string, T> choices)
        where T : struct, Enum
    {
        if (Find(name) is not JsonElement value)
            return null;
        return value.ValueKind == JsonValueKind.String && choices.TryGetValue(value.GetString()!, out T choice)
            ? choice
            : throw new FormatException($"\"{name}\" must be {string.Join(", ", choices.Keys)}, not {Shown(value.GetRawText())}");
    }

    /// <exception cref="FormatException">It is neither true nor false.</exception>
    public bool? Flag(string name)
    {
        if (Find(name) is not JsonElement value)
            return null;
        return value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? value.GetBoolean()
            : throw new FormatException($"\"{name}\" must be true or false, not {Shown(value.GetRawText())}");
    }

    /// <summary>A field that is written as a string.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="parse">Returns null for what is not a value.</param>
    /// <param name="range">What it must be, in words: "X must be ...".</param>
    /// <exception cref="FormatException">It is not a value.</exception>
    public T? Parsed<T>(string name, Func<string, T?> parse, string range)
        where T : class
    {
        if (Find(name) is not JsonElement value)
            return null;
        return (value.ValueKind == JsonValueKind.String ? parse(value.GetString()!) : null)
            ?? throw new FormatException($"\"{name}\" must be {range}, not {Shown(value.GetRawText())}");
    }

    /// <summary>An array of words.</summary>
    /// <exception cref="FormatException">It is not one.</exception>
    public WordList? Words(string name)
    {
        if (!_fields.TryGetValue(name, out JsonElement value) || value.ValueKind == JsonValueKind.Null)
            return null;
        if (value.ValueKind != JsonValueKind.Array || value.EnumerateArray().Any(word => word.ValueKind != JsonValueKind.String))
            throw new FormatException($"\"{name}\" must be an array of words, not {Shown(value.GetRawText())}");
        try
        {
            return new WordList(value.EnumerateArray().Select(word => word.GetString()!));
        }
        catch (ArgumentException error)
        {
            throw new FormatException($"\"{name}\": {error.Message.Split(" (Parameter")[0]}");
        }
    }

    private static string Shown(string value) => value.Length <= ShownCharacters ? value : value[..ShownCharacters] + "...";

    private static ReadOnlyMemory<byte> WithoutMark(ReadOnlyMemory<byte> bytes) =>
        bytes.Span.StartsWith("\uFEFF"u8) ? bytes["\uFEFF"u8.Length..] : bytes;

    private JsonElement? Find(string name) => _fields.TryGetValue(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
