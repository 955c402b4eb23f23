using System.Globalization;
using System.Text.Json;
using AsArm.Assd.Distributions;
using AsArm.Cli.Options;
using AsArm.Inference.Infilling;
using AsArm.Server.Configuration;
using AsArm.Server.Fields;

namespace AsArm.Server.Requests;

/// <summary>The fields that define the distribution which is sampled, the same in several endpoints.</summary>
internal static class SamplingFields
{
    private const int MaxBiases = 1024;

    public static Field Model { get; } = new("model", FieldType.Text, "Name of a model; the default one if it is left out or empty.");

    public static Field Temperature { get; } = new("temperature", FieldType.Number, "At least 0; 0 is greedy decoding. Default 1.");

    public static Field TopP { get; } = new("top_p", FieldType.Number, "In (0, 1]: the fewest tokens that together reach this probability.");

    public static Field TopK { get; } = new("top_k", FieldType.Integer, "At least 1: that many most probable tokens.");

    public static Field Seed { get; } = new("seed", FieldType.Integer, "Repeats a text; further texts have the seeds after it.");

    public static Field LogitBias { get; } = new("logit_bias", FieldType.Object, "Token ids of the model with numbers from -100 to 100, added to their logits before everything else. At most 1,024.");

    /// <summary>Temperature, top-p, top-k, seed and biases, and the time limit of the server.</summary>
    /// <param name="values">The fields.</param>
    /// <param name="options">The settings of the server.</param>
    /// <param name="vocabularySize">V.</param>
    public static InfillOptions Read(FieldValues values, ServerOptions options, int vocabularySize) => new()
    {
        Temperature = values.Number("temperature", Ranges.Temperature) ?? 1,
        TopP = values.Number("top_p", Ranges.TopP),
        TopK = values.Number("top_k", Ranges.TopK),
        Seed = values.Number("seed", Ranges.Seed),
        LogitBias = BiasesOf(values, vocabularySize),
        Timeout = options.RequestTimeout,
    };

    private static Dictionary<int, double> BiasesOf(FieldValues values, int vocabularySize)
    {
        var biases = new Dictionary<int, double>();
        if (values.Value("logit_bias") is not JsonElement given)
            return biases;
        if (given.ValueKind != JsonValueKind.Object)
            throw values.Error("logit_bias", "must be an object of token ids and numbers", given);
        foreach (JsonProperty one in given.EnumerateObject())
        {
            string name = FieldList.NameOf(one) ?? throw values.Error("logit_bias", "has an unpaired surrogate");
            if (!int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int token) || token >= vocabularySize)
                throw values.Error("logit_bias", $"must have token ids from 0 to {vocabularySize - 1}, not \"{FieldList.Shown(name)}\"");
            if (one.Value.ValueKind != JsonValueKind.Number || !one.Value.TryGetDouble(out double bias) || !(Math.Abs(bias) <= SamplingOptions.MaxLogitBias))
                throw values.Error("logit_bias", "must have numbers from -100 to 100", one.Value);
            if (!biases.TryAdd(token, bias))
                throw values.Error("logit_bias", $"has the token {token} twice");
            if (biases.Count > MaxBiases)
                throw values.Error("logit_bias", $"has more than {MaxBiases} tokens");
        }

        return biases;
    }
}
