using System.Text.Json.Serialization;
using AsArm.Assd.Planning;

namespace AsArm.Inference.ModelFolders;

/// <summary>
/// `drafting` of asarm.json: measurements of a model from which the draft policy of the sampler `fused` starts. They change the
/// number of forward passes and which sample a seed gives, never the distribution. A missing figure has a neutral value.
/// </summary>
internal sealed record DraftingFigures
{
    /// <summary>Expected acceptance of draft tokens.</summary>
    public AcceptanceFigures? Acceptance { get; init; }

    /// <summary>The weight of ngrams.bin, in counts of the sequence's own n-grams.</summary>
    public double? CorpusWeight { get; init; }

    /// <summary>The forward-pass overhead by device.</summary>
    public OverheadFigures? ForwardPassOverhead { get; init; }

    /// <summary>The acceptance that a draft policy starts from.</summary>
    [JsonIgnore]
    internal DraftAcceptance DraftAcceptance => Acceptance?.ToDraftAcceptance() ?? DraftAcceptance.Neutral;

    /// <summary>The name of the first field that is out of range; null if all are valid.</summary>
    internal string? FirstInvalidField() =>
        Acceptance?.FirstInvalidField() is string rates ? $"acceptance.{rates}" :
        CorpusWeight is not null && !IsFactor(CorpusWeight.Value) ? "corpus_weight" :
        ForwardPassOverhead?.FirstInvalidField() is string overhead ? $"forward_pass_overhead.{overhead}" :
        null;

    /// <summary>Whether a value is positive and neither so small nor so large that products of a few of them overflow.</summary>
    internal static bool IsFactor(double value) => value is >= 1e-6 and <= 1e6;
}
