using System.Globalization;
using System.Numerics;
using System.Text.Json;
using AsArm.Cli.Options;

namespace AsArm.Server.Fields;

/// <summary>The values of the fields of a request. Null stands for a field that is left out.</summary>
/// <param name="values">By name; each is known.</param>
/// <param name="path">What stands before the names in messages.</param>
internal sealed class FieldValues(IReadOnlyDictionary<string, JsonElement> values, string path)
{
    /// <summary>What stands before the names in messages.</summary>
    public string Path => path;

    /// <summary>Whether a field is there and not null.</summary>
    public bool Has(string name) => Value(name) is not null;

    /// <summary>The value of a field; null if it is left out.</summary>
    public JsonElement? Value(string name) => values.TryGetValue(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <summary>A value as it was written, null included, on one line; null if the field is left out.</summary>
    public string? Raw(string name) => values.TryGetValue(name, out JsonElement value) ? value.GetRawText().Replace('\n', ' ').Replace('\r', ' ') : null;

    /// <summary>A text.</summary>
    public string? Text(string name) => Value(name) is JsonElement value ? TextOf(value, name) : null;

    /// <summary>A text that has to be there.</summary>
    public string RequiredText(string name) => Text(name) ?? throw Error(name, "is missing");

    /// <summary>A text or an array of texts.</summary>
    public IReadOnlyList<string> Texts(string name)
    {
        if (Value(name) is not JsonElement value)
            return [];
        return value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().Select(one => TextOf(one, name))] : [TextOf(value, name)];
    }

    /// <summary>True or false.</summary>
    public bool Flag(string name, bool otherwise = false)
    {
        if (Value(name) is not JsonElement value)
            return otherwise;
        return value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Error(name, "must be true or false", value);
    }

    /// <summary>A number in a range.</summary>
    public T? Number<T>(string name, NumberRange<T> range)
        where T : struct, INumberBase<T>
    {
        if (Value(name) is not JsonElement value)
            return null;
        return value.ValueKind == JsonValueKind.Number
            && T.TryParse(value.GetRawText(), NumberStyles.Float, CultureInfo.InvariantCulture, out T number) && range.Holds(number)
                ? number
                : throw Error(name, $"must be {range.Text}", value);
    }

    /// <summary>An integer in a range.</summary>
    public int? Integer(string name, int minimum, int maximum) =>
        Number(name, new NumberRange<int>(string.Create(CultureInfo.InvariantCulture, $"an integer from {minimum} to {maximum}"), value => value >= minimum && value <= maximum));

    /// <summary>One of a few names.</summary>
    public T? Choice<T>(string name, IReadOnlyDictionary<string, T> choices)
        where T : struct, Enum
    {
        if (Value(name) is not JsonElement value)
            return null;
        return value.ValueKind == JsonValueKind.String && choices.TryGetValue(TextOf(value, name), out T choice)
            ? choice
            : throw Error(name, $"must be {string.Join(", ", choices.Keys)}", value);
    }

    /// <summary>A text that stands for something.</summary>
    /// <param name="name">The field.</param>
    /// <param name="parse">What it stands for; null if it is none.</param>
    /// <param name="range">What it must be, in words.</param>
    public T? Parsed<T>(string name, Func<string, T?> parse, string range)
        where T : class => Text(name) is not string text ? null : parse(text) ?? throw Error(name, $"must be {range}", Value(name));

    /// <summary>Refuses a field, unless it has a value that changes nothing.</summary>
    public void RequireNeutral(string name, string neutral)
    {
        if (Value(name) is JsonElement value && value.GetRawText() != neutral && !IsNumber(value, neutral))
            throw Error(name, $"is not supported: leave it out or give {neutral}");
    }

    /// <summary>The error of a field.</summary>
    public RequestException Error(string name, string rule, JsonElement? given = null) =>
        RequestException.Of(path + name, rule, given is JsonElement value ? FieldList.Shown(value.GetRawText()) : null);

    private string TextOf(JsonElement value, string name)
    {
        if (value.ValueKind != JsonValueKind.String)
            throw Error(name, "must be a string", value);
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw Error(name, "has an unpaired surrogate");
        }
    }

    /// <summary>Whether a value is a certain number, however it is written.</summary>
    private static bool IsNumber(JsonElement value, string expected) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number)
        && double.TryParse(expected, NumberStyles.Float, CultureInfo.InvariantCulture, out double other) && number == other;
}
