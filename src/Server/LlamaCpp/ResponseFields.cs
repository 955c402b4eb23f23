using System.Text.Json;
using AsArm.Server.Fields;

namespace AsArm.Server.LlamaCpp;

/// <summary>
/// The field response_fields: which fields of the answer a client wants. A field within another one is named by its path, "timings/predicted_n", and is answered
/// at the root by that name. Those that are not there are left out.
/// </summary>
/// <param name="paths">The names; none for all fields.</param>
internal sealed class ResponseFields(IReadOnlyList<string> paths)
{
    public static Field Field { get; } = new("response_fields", FieldType.Texts, "Fields that the answer shall have, in a stream the last event; timings/predicted_n is one within timings. Default all.");

    public static ResponseFields Read(FieldValues values) => new([.. values.Texts(Field.Name).Distinct()]);

    /// <summary>Writes the wanted fields of an answer.</summary>
    /// <param name="json">Where they are written.</param>
    /// <param name="writeAll">Writes all fields.</param>
    public void Write(Utf8JsonWriter json, Action<Utf8JsonWriter> writeAll)
    {
        if (paths.Count == 0)
        {
            writeAll(json);
            return;
        }

        using JsonDocument all = JsonDocument.Parse(Answer.Bytes(writeAll));
        foreach (string path in paths)
        {
            if (ValueOf(all.RootElement, path) is JsonElement value)
            {
                json.WritePropertyName(path);
                value.WriteTo(json);
            }
        }
    }

    private static JsonElement? ValueOf(JsonElement element, string path)
    {
        foreach (string name in path.Split('/'))
        {
            if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(name, out element))
                return null;
        }

        return element;
    }
}
