using AsArm.Server.Fields;

namespace AsArm.Server.Requests;

/// <summary>
/// Fields of llama.cpp and Ollama that change what is sampled in ways which this server does not know. Clients send them with the values that switch them off,
/// which are accepted; all others are refused.
/// </summary>
internal static class UnsupportedSampling
{
    private static readonly (string Name, string Neutral)[] s_neutral =
        [("min_p", "0"), ("typical_p", "1"), ("mirostat", "0"), ("repeat_penalty", "1"), ("presence_penalty", "0"), ("frequency_penalty", "0")];

    /// <summary>The fields, and those that only say how the others work when they are on.</summary>
    public static IEnumerable<Field> Fields { get; } =
    [
        .. s_neutral.Select(one => new Field(one.Name, FieldType.Number, $"{one.Neutral} only.")),
        .. Field.WithoutEffect("mirostat_tau", "mirostat_eta", "repeat_last_n", "penalize_newline"),
    ];

    /// <summary>Refuses values that would change what is sampled.</summary>
    /// <exception cref="RequestException">There is one.</exception>
    public static void Require(FieldValues values)
    {
        foreach ((string name, string neutral) in s_neutral)
            values.RequireNeutral(name, neutral);
    }
}
