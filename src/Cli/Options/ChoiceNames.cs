using AsArm.Inference.Gaps;
using AsArm.Inference.Infilling;
using AsArm.Inference.Text;

namespace AsArm.Cli.Options;

/// <summary>The names of options' values, the same on the command line and in a line of JSON.</summary>
internal static class ChoiceNames
{
    /// <summary>Samplers; the first is the default.</summary>
    public static readonly IReadOnlyDictionary<string, SamplerKind> Samplers = new Dictionary<string, SamplerKind>
    {
        ["fused"] = SamplerKind.Fused,
        ["assd"] = SamplerKind.Assd,
        ["ngram"] = SamplerKind.Ngram,
        ["sequential"] = SamplerKind.Sequential,
        ["parallel"] = SamplerKind.Parallel,
    };

    /// <summary>Orders; the first is the default.</summary>
    public static readonly IReadOnlyDictionary<string, DecodingOrder> Orders = new Dictionary<string, DecodingOrder>
    {
        ["left-to-right"] = DecodingOrder.LeftToRight,
        ["right-to-left"] = DecodingOrder.RightToLeft,
        ["random"] = DecodingOrder.Random,
    };

    /// <summary>What determines the space before a gap; the first is the default.</summary>
    public static readonly IReadOnlyDictionary<string, GapSpacing> Spacings = new Dictionary<string, GapSpacing>
    {
        ["typed"] = GapSpacing.AsTyped,
        ["model"] = GapSpacing.FromModel,
    };

    /// <summary>What fused optimises.</summary>
    public static readonly IReadOnlyDictionary<string, DraftMode> DraftModes = new Dictionary<string, DraftMode>
    {
        ["latency"] = DraftMode.Latency,
        ["throughput"] = DraftMode.Throughput,
    };

    /// <summary>Ways to find lengths; the first is the default.</summary>
    public static readonly IReadOnlyDictionary<string, LengthMethod> LengthMethods = new Dictionary<string, LengthMethod>
    {
        ["evidence"] = LengthMethod.Evidence,
        ["open-gaps"] = LengthMethod.OpenGaps,
    };

    /// <summary>Name of a sampler.</summary>
    public static string NameOf(SamplerKind sampler) => Samplers.First(pair => pair.Value == sampler).Key;

    /// <summary>The kinds of characters that gaps do without.</summary>
    public static CharacterKinds Excluded(bool punctuation, bool digits, bool capitals) =>
        (punctuation ? CharacterKinds.Punctuation : 0) | (digits ? CharacterKinds.Digits : 0) | (capitals ? CharacterKinds.Capitals : 0);

    /// <summary>What a prior of lengths must be, in words: "X must be ...".</summary>
    public const string PriorText = "learnt, flat, poisson:MEAN with a positive mean, or given:WEIGHT,WEIGHT,... with a weight for each length from 1";

    /// <summary>A prior of lengths by its name; null if there is none of that name.</summary>
    public static LengthPrior? PriorOf(string name) => LengthPrior.TryParse(name, out LengthPrior? prior) ? prior : null;
}
