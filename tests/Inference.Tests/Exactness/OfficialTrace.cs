using System.Text.Json;
using AsArm.Assd.Ordering;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Tests.Support;

namespace AsArm.Inference.Tests.Exactness;

/// <summary>A whole recorded run of the official ASSD code, every random outcome included.</summary>
internal sealed class OfficialTrace
{
    public const int MaskId = 6;
    public const int Vocabulary = 64;

    private OfficialTrace(Safetensors tensors, JsonElement trace)
    {
        string prefix = $"trace{trace.GetProperty("index").GetInt32():00}.";
        Name = trace.GetProperty("name").GetString()!;
        DraftLength = trace.GetProperty("k").GetInt32();
        Nfe = trace.GetProperty("nfe").GetInt32();
        JsonElement options = trace.GetProperty("options");
        Temperature = options.TryGetProperty("T", out JsonElement temperature) ? temperature.GetDouble() : 1;
        OracleTemperature = options.TryGetProperty("no_temp_oracle", out _) ? 1 : Temperature;
        RatioTolerance = options.TryGetProperty("r_atol", out JsonElement tolerance) ? tolerance.GetDouble() : 0;
        UsesNgrams = options.TryGetProperty("ngram_model", out _);
        Prompt = tensors.Read<int>(prefix + "prompt");
        Result = tensors.Read<int>(prefix + "result");
        Order = Order.FromRanks(tensors.Read<int>(prefix + "sigma"), trace.GetProperty("start").GetInt32());
        Rounds = [.. trace.GetProperty("iterations").EnumerateArray().Select((round, i) => new Round(tensors, $"{prefix}it{i:00}.", round))];
    }

    public string Name { get; }

    public int DraftLength { get; }

    public int Nfe { get; }

    public double Temperature { get; }

    /// <summary>Differs from the draft's where the official option no_temp_oracle bends the distribution.</summary>
    public double OracleTemperature { get; }

    /// <summary>The official option r_atol: accepts up to this much above the ratio.</summary>
    public double RatioTolerance { get; }

    public bool UsesNgrams { get; }

    public int[] Prompt { get; }

    public int[] Result { get; }

    public Order Order { get; }

    public IReadOnlyList<Round> Rounds { get; }

    public static IReadOnlyList<OfficialTrace> LoadAll()
    {
        Safetensors tensors = Safetensors.Open(Files.Golden("tiny/traces.safetensors"));
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Files.Golden("tiny/traces.json")));
        return [.. document.RootElement.GetProperty("traces").EnumerateArray().Select(trace => new OfficialTrace(tensors, trace))];
    }

    /// <summary>The random number that makes inverse-CDF sampling choose a token: the middle of its stretch.</summary>
    public static double UniformFor(ReadOnlySpan<float> weights, int token)
    {
        double before = 0, total = 0;
        for (int i = 0; i < weights.Length; i++)
        {
            total += weights[i];
            before += i < token ? weights[i] : 0;
        }

        Assert.IsGreaterThan(0f, weights[token], "The recorded token has no weight.");
        return (before + weights[token] / 2.0) / total;
    }

    /// <summary>One speculation step of a run.</summary>
    public sealed class Round
    {
        public Round(Safetensors tensors, string prefix, JsonElement round)
        {
            Committed = round.GetProperty("n").GetInt32();
            DraftedByModel = round.GetProperty("draft").GetString() == "model";
            DraftTokens = [.. round.GetProperty("draft_tokens").EnumerateArray().Select(token => token.GetInt32())];
            Random = round.TryGetProperty("r", out JsonElement random) ? [.. random.EnumerateArray().Select(uniform => uniform.GetDouble())] : [];
            Accepted = round.TryGetProperty("accepted", out JsonElement accepted) ? accepted.GetInt32() : DraftTokens.Length;
            Resampled = round.TryGetProperty("resampled", out JsonElement token) ? token.GetInt32() : null;
            DraftProbabilities = Find(tensors, prefix + "draft_probs");
            OracleLogits = Find(tensors, prefix + "oracle_logits");
            Residual = Find(tensors, prefix + "residual");
        }

        public int Committed { get; }

        public bool DraftedByModel { get; }

        public int[] DraftTokens { get; }

        /// <summary>One for each draft token that was examined, the first included.</summary>
        public double[] Random { get; }

        public int Accepted { get; }

        public int? Resampled { get; }

        /// <summary>[k, V] where the network drafted.</summary>
        public float[]? DraftProbabilities { get; }

        /// <summary>[k, V] where the speculation step asked an oracle.</summary>
        public float[]? OracleLogits { get; }

        /// <summary>[V] normalised, where a draft token was rejected.</summary>
        public float[]? Residual { get; }

        private static float[]? Find(Safetensors tensors, string name) => tensors.Names.Contains(name) ? tensors.Read<float>(name) : null;
    }
}
