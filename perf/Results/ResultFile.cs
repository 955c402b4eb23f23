using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace AsArm.Perf.Results;

/// <summary>What was measured, as JSON.</summary>
internal static class ResultFile
{
    private static readonly JsonSerializerOptions s_options = new()
    {
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
    };

    private static readonly JsonSerializerOptions s_lineOptions = new(s_options) { WriteIndented = false };

    public static void Write<T>(string file, T results) => File.WriteAllText(file, JsonSerializer.Serialize(results, s_options) + "\n");

    /// <summary>A line of a file of JSON lines.</summary>
    public static string Line<T>(T results) => JsonSerializer.Serialize(results, s_lineOptions);

    /// <exception cref="JsonException">It is no such file.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static T Read<T>(string file) => JsonSerializer.Deserialize<T>(File.ReadAllText(file), s_options) ?? throw new JsonException($"{file} is empty.");
}
