using System.Text.Json;
using AsArm.Assd.Ordering;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Tests.Support;

namespace AsArm.Inference.Tests.Exactness;

/// <summary>A recorded run of the official ASSD code, including all random outcomes.</summary>
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
        Steps = [.. trace.GetProperty("iterations").EnumerateArray().Select((step, i) => new Step(tensors, $"{prefix}it{i:00}.", step))];
    }

    public string Name { get; }

    public int DraftLength { get; }

    public int Nfe { get; }

    public double Temperature { get; }

    /// <summary>The temperature of the oracle; differs from that of the draft with the official option no_temp_oracle, which is not exact.</summary>
    public double OracleTemperature { get; }

    /// <summary>The official option r_atol: a draft token is accepted up to this much above the acceptance ratio.</summary>
    public double RatioTolerance { get; }

    public bool UsesNgrams { get; }

    public int[] Prompt { get; }

    public int[] Result { get; }

    public Order Order { get; }

    public IReadOnlyList<Step> Steps { get; }

    public static IReadOnlyList<OfficialTrace> LoadAll()
    {
        Safetensors tensors = Safetensors.Open(Files.Golden("tiny/traces.safetensors"));
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Files.Golden("tiny/traces.json")));
        return [.. document.RootElement.GetProperty("traces").EnumerateArray().Select(trace => new OfficialTrace(tensors, trace))];
    }

    /// <summary>The random number with which inverse-CDF sampling draws a token: the middle of its interval.</summary>
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
    public sealed class Step
    {
        public Step(Safetensors tensors, string prefix, JsonElement step)
        {
            Committed = step.GetProperty("n").GetInt32();
            DraftedByModel = step.GetProperty("draft").GetString() == "model";
            DraftTokens = [.. step.GetProperty("draft_tokens").EnumerateArray().Select(token => token.GetInt32())];
            Random = step.TryGetProperty("r", out JsonElement random) ? [.. random.EnumerateArray().Select(uniform => uniform.GetDouble())] : [];
            Accepted = step.TryGetProperty("accepted", out JsonElement accepted) ? accepted.GetInt32() : DraftTokens.Length;
            Resampled = step.TryGetProperty("resampled", out JsonElement token) ? token.GetInt32() : null;
            DraftProbabilities = Find(tensors, prefix + "draft_probs");
            OracleLogits = Find(tensors, prefix + "oracle_logits");
            Residual = Find(tensors, prefix + "residual");
        }

        public int Committed { get; }

        public bool DraftedByModel { get; }

        public int[] DraftTokens { get; }

        /// <summary>One random number for each draft token that was verified, including the first.</summary>
        public double[] Random { get; }

        public int Accepted { get; }

        public int? Resampled { get; }

        /// <summary>[k, V] The draft distributions; null if n-grams drafted.</summary>
        public float[]? DraftProbabilities { get; }

        /// <summary>[k, V] The oracle logits; null if the step had no oracle pass.</summary>
        public float[]? OracleLogits { get; }

        /// <summary>[V] The normalised residual; null if no draft token was rejected.</summary>
        public float[]? Residual { get; }

        private static float[]? Find(Safetensors tensors, string name) => tensors.Names.Contains(name) ? tensors.Read<float>(name) : null;
    }
}
