using System.Text.Json;

namespace AsArm.Server.Fields;

/// <summary>The fields of the requests of an endpoint: all others are errors. It is the endpoint's metadata.</summary>
/// <param name="main">The field that holds the text, of which errors of the text tell.</param>
/// <param name="fields">The fields.</param>
internal sealed class FieldList(string main, params IEnumerable<Field> fields)
{
    private const int ShownCharacters = 40;
    private readonly Dictionary<string, Field> _fields = fields.ToDictionary(field => field.Name);

    /// <summary>The field that holds the text.</summary>
    public string Main => main;

    /// <summary>All fields.</summary>
    public IReadOnlyCollection<Field> Fields => _fields.Values;

    /// <summary>The values of an object by name.</summary>
    /// <param name="root">A JSON value.</param>
    /// <param name="path">What stands before the names in messages: "options." for a field that is an object.</param>
    /// <exception cref="RequestException">It is not an object, or has an unknown or repeated field.</exception>
    public FieldValues Read(JsonElement root, string path = "")
    {
        if (root.ValueKind != JsonValueKind.Object)
            throw new RequestException(StatusCodes.Status400BadRequest, path.Length == 0 ? "The body is not a JSON object." : $"\"{path.TrimEnd('.')}\" must be an object.", path.Length == 0 ? "body" : path.TrimEnd('.'));
        var values = new Dictionary<string, JsonElement>();
        foreach (JsonProperty property in root.EnumerateObject())
        {
            string name = NameOf(property) ?? throw new RequestException(StatusCodes.Status400BadRequest, "The name of a field has an unpaired surrogate.", "body");
            if (!_fields.ContainsKey(name))
                throw new RequestException(StatusCodes.Status400BadRequest, $"Unknown field \"{Shown(path + name)}\".", Shown(path + name), "unknown_field");
            if (!values.TryAdd(name, property.Value))
                throw new RequestException(StatusCodes.Status400BadRequest, $"The field \"{path}{name}\" occurs twice.", path + name, "invalid_value");
        }

        return new FieldValues(values, path);
    }

    /// <summary>A text as far as it is shown in messages.</summary>
    public static string Shown(string value) =>
        value.Length <= ShownCharacters ? value : value[..(char.IsHighSurrogate(value[ShownCharacters - 1]) ? ShownCharacters - 1 : ShownCharacters)] + "...";

    /// <summary>The name of a property; null if it has an unpaired surrogate, which the parser lets pass.</summary>
    public static string? NameOf(JsonProperty property)
    {
        try
        {
#pragma warning disable RS0030 // Here alone.
            return property.Name;
#pragma warning restore RS0030
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
